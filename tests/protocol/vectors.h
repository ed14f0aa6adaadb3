// The wire protocol as bytes: frames that both programs must write and read exactly like this.
//
// They were put together by hand from protocol/README.md, not printed by the codec: one line per
// field.
#pragma once

#include <string_view>
#include <vector>

#include "protocol/message.h"

namespace lambdapool::protocol {

template <class Any>
struct Vector {
  std::string_view name;
  Any message;
  std::string_view hex;
};

inline std::vector<Vector<Down>> down_vectors() {
  return {
      {"start",
       Start{.version = 3,
             .lambda_root = "/srv/a",
             .lambda_id = "id",
             .lambda_name = "hello",
             .lambda_version = "1",
             .pylib = "/opt/py",
             .venv = "",
             .event_loop = "auto",
             .log_level = "info",
             .worker = 3,
             .window = 64,
             .settings = "{}",
             .limits = {.memory = 1 << 20,
                        .open_files = 100,
                        .cpu_seconds = 60,
                        .processes = 8,
                        .core_bytes = 0,
                        .nice = 5,
                        .no_new_privileges = 1,
                        .user = "lp",
                        .uid = 1000,
                        .gid = 100},
             .answer_memory = 64 << 20},
       "00 00 00 4a"
       "dc 00 18 01"                 // array of 24, type 1
       "03"                          // version 3
       "c4 06 2f 73 72 76 2f 61"     // "/srv/a"
       "a2 69 64"                    // "id"
       "a5 68 65 6c 6c 6f"           // "hello"
       "a1 31"                       // "1"
       "c4 07 2f 6f 70 74 2f 70 79"  // "/opt/py"
       "c4 00"                       // no virtual environment
       "a4 61 75 74 6f"              // "auto"
       "a4 69 6e 66 6f"              // "info"
       "03"                          // worker 3
       "40"                          // window 64
       "c4 02 7b 7d"                 // settings {}
       "ce 00 10 00 00"              // 1 MiB of address space
       "64"                          // 100 open files
       "3c"                          // 60 s of CPU
       "08"                          // 8 processes
       "00"                          // no core file
       "05"                          // nice 5
       "01"                          // no new privileges
       "a2 6c 70"                    // "lp"
       "cd 03 e8"                    // uid 1000
       "64"                          // gid 100
       "ce 04 00 00 00"},            // 64 MiB for the bodies of responses
      {"request",
       Request{.id = 300,
               .slot = 5,
               .time_left_ms = 60000,
               .method = "POST",
               .path = "/main",
               .query = "a=%FF",
               .headers = {{"Host", "x"}, {"X-Odd", "\xff\x80"}},
               .peer = "127.0.0.1",
               .request_id = "1700000000,5f0c",
               .http_minor = 1,
               .body = "{}"},
       "00 00 00 50"
       "9c 02"                                            // array of 12, type 2
       "cd 01 2c"                                         // id 300
       "05"                                               // slot 5
       "cd ea 60"                                         // 60000 ms left
       "a4 50 4f 53 54"                                   // "POST"
       "c4 05 2f 6d 61 69 6e"                             // "/main"
       "c4 05 61 3d 25 46 46"                             // "a=%FF"
       "94"                                               // two headers
       "c4 04 48 6f 73 74 c4 01 78"                       // "Host", "x"
       "c4 05 58 2d 4f 64 64 c4 02 ff 80"                 // "X-Odd", bytes that are no UTF-8
       "a9 31 32 37 2e 30 2e 30 2e 31"                    // "127.0.0.1"
       "af 31 37 30 30 30 30 30 30 30 30 2c 35 66 30 63"  // "1700000000,5f0c"
       "01"                                               // HTTP/1.1
       "c4 02 7b 7d"},                                    // "{}"
      {"request with nothing in it",
       Request{.id = 1,
               .slot = 0,
               .time_left_ms = 0,
               .method = "HEAD",
               .path = "/",
               .query = "",
               .headers = {},
               .peer = "::1",
               .request_id = "",
               .http_minor = 0,
               .body = ""},
       "00 00 00 18"
       "9c 02"           // array of 12, type 2
       "01 00 00"        // id 1, slot 0, no time left
       "a4 48 45 41 44"  // "HEAD"
       "c4 01 2f"        // "/"
       "c4 00"           // no query
       "90"              // no headers
       "a3 3a 3a 31"     // "::1"
       "a0"              // no request id
       "00"              // HTTP/1.0
       "c4 00"},         // no body
      {"request whose body is in memory",
       Request{.id = 1,
               .slot = 0,
               .time_left_ms = 0,
               .method = "PUT",
               .path = "/",
               .query = "",
               .headers = {},
               .peer = "::1",
               .request_id = "",
               .http_minor = 1,
               .body = "",
               .body_in_memory = 268435456},
       "00 00 00 1b"
       "9d 02"           // array of 13, type 2
       "01 00 00"        // id 1, slot 0, no time left
       "a3 50 55 54"     // "PUT"
       "c4 01 2f"        // "/"
       "c4 00"           // no query
       "90"              // no headers
       "a3 3a 3a 31"     // "::1"
       "a0"              // no request id
       "01"              // HTTP/1.1
       "ce 10 00 00 00"  // 256 MiB, the most there can be
       "00"},            // in a memfd for it alone
      {"request whose body is in a memfd that has a number",
       Request{.id = 1,
               .slot = 0,
               .time_left_ms = 0,
               .method = "PUT",
               .path = "/",
               .query = "",
               .headers = {},
               .peer = "::1",
               .request_id = "",
               .http_minor = 1,
               .body = "",
               .body_in_memory = 100000,
               .memory = UINT64_MAX},
       "00 00 00 23"
       "9d 02"                         // array of 13, type 2
       "01 00 00"                      // id 1, slot 0, no time left
       "a3 50 55 54"                   // "PUT"
       "c4 01 2f"                      // "/"
       "c4 00"                         // no query
       "90"                            // no headers
       "a3 3a 3a 31"                   // "::1"
       "a0"                            // no request id
       "01"                            // HTTP/1.1
       "ce 00 01 86 a0"                // 100 000 bytes
       "cf ff ff ff ff ff ff ff ff"},  // of memfd 2^64 - 1
      {"cancel, the example of protocol/README.md", Cancel{.id = 7, .reason = "timeout"},
       "00 00 00 0b"                // length 11
       "93 03 07"                   // array of 3, type 3, id 7
       "a7 74 69 6d 65 6f 75 74"},  // "timeout"
      {"cancel of the last id there is", Cancel{.id = UINT64_MAX, .reason = "disconnect"},
       "00 00 00 16"
       "93 03"                               // array of 3, type 3
       "cf ff ff ff ff ff ff ff ff"          // id 2^64 - 1
       "aa 64 69 73 63 6f 6e 6e 65 63 74"},  // "disconnect"
      {"shutdown", Shutdown{.limit_ms = 10000},
       "00 00 00 05"
       "92 04"       // array of 2, type 4
       "cd 27 10"},  // 10000 ms
      {"credit", Credit{.id = 7, .bytes = 65536},
       "00 00 00 08"
       "93 05"             // array of 3, type 5
       "07"                // id 7
       "ce 00 01 00 00"},  // 65536
      {"stacks, asked for", AskStacks{.id = 7},
       "00 00 00 03"
       "92 06"  // array of 2, type 6
       "07"},   // id 7
      {"log level", SetLogLevel{.level = "debug"},
       "00 00 00 08"
       "92 07"                // array of 2, type 7
       "a5 64 65 62 75 67"},  // "debug"
      {"memory_free", MemoryFree{.place = 4096},
       "00 00 00 05"
       "92 08"       // array of 2, type 8
       "cd 10 00"},  // place 4096
      {"memory_forgotten", MemoryForgotten{.memory = 300},
       "00 00 00 05"
       "92 0a"       // array of 2, type 10
       "cd 01 2c"},  // memfd 300
      {"memory_idle", MemoryIdle{},
       "00 00 00 02"
       "91 09"},  // array of 1, type 9
  };
}

inline std::vector<Vector<Up>> up_vectors() {
  return {
      {"ready", Ready{.version = 1, .lambda_type = "standalone", .event_loop = "uvloop"},
       "00 00 00 16"
       "94 cc 81"                          // array of 4, type 129
       "01"                                // version 1
       "aa 73 74 61 6e 64 61 6c 6f 6e 65"  // "standalone"
       "a6 75 76 6c 6f 6f 70"},            // "uvloop"
      {"start_failed",
       StartFailed{.stage = "onStart", .text = "no database", .traceback = "Traceback\n"},
       "00 00 00 24"
       "94 cc 82"                                // array of 4, type 130
       "a7 6f 6e 53 74 61 72 74"                 // "onStart"
       "c4 0b 6e 6f 20 64 61 74 61 62 61 73 65"  // "no database"
       "c4 0a 54 72 61 63 65 62 61 63 6b 0a"},   // "Traceback\n"
      {"response",
       Response{.id = 300,
                .status = 200,
                .headers = {{"Content-Type", "application/json"}},
                .body = "{\"a\":1}",
                .route = "/main"},
       "00 00 00 38"
       "96 cc 83"                                               // array of 6, type 131
       "cd 01 2c"                                               // id 300
       "cc c8"                                                  // 200
       "92"                                                     // one header
       "c4 0c 43 6f 6e 74 65 6e 74 2d 54 79 70 65"              // "Content-Type"
       "c4 10 61 70 70 6c 69 63 61 74 69 6f 6e 2f 6a 73 6f 6e"  // "application/json"
       "c4 07 7b 22 61 22 3a 31 7d"                             // the body
       "a5 2f 6d 61 69 6e"},                                    // "/main"
      {"response without headers and body",
       Response{.id = 1, .status = 204, .headers = {}, .body = "", .route = ""},
       "00 00 00 0a"
       "96 cc 83"  // array of 6, type 131
       "01"        // id 1
       "cc cc"     // 204
       "90"        // no headers
       "c4 00"     // no body
       "a0"},      // no route
      {"response whose body is in memory, the example of protocol/README.md",
       Response{.id = 7,
                .status = 200,
                .headers = {},
                .body = "",
                .route = "/main",
                .body_in_memory = 100000,
                .place = 4096},
       "00 00 00 1b"
       "97 cc 83"                      // array of 7, type 131
       "07"                            // id 7
       "cc c8"                         // 200
       "90"                            // no headers
       "ce 00 01 86 a0"                // 100 000 bytes
       "a5 2f 6d 61 69 6e"             // "/main"
       "cf 00 00 00 00 00 00 10 00"},  // from byte 4096 on
      {"failure",
       Failure{.id = 9,
               .status = 500,
               .kind = "lambda_exception",
               .error_code = 42004,
               .desc = "Lambda exception",
               .detail = "division by zero",
               .headers = {},
               .route = ""},
       "00 00 00 41"
       "99 cc 84"                                               // array of 9, type 132
       "09"                                                     // id 9
       "cd 01 f4"                                               // 500
       "b0 6c 61 6d 62 64 61 5f 65 78 63 65 70 74 69 6f 6e"     // "lambda_exception"
       "cd a4 14"                                               // 42004
       "c4 10 4c 61 6d 62 64 61 20 65 78 63 65 70 74 69 6f 6e"  // "Lambda exception"
       "c4 10 64 69 76 69 73 69 6f 6e 20 62 79 20 7a 65 72 6f"  // "division by zero"
       "90"                                                     // no headers
       "a0"},                                                   // no route
      {"log", Log{.level = "warning", .request_id = "", .text = "odd \xff"},
       "00 00 00 13"
       "94 cc 85"                 // array of 4, type 133
       "a7 77 61 72 6e 69 6e 67"  // "warning"
       "a0"                       // outside a request
       "c4 05 6f 64 64 20 ff"},   // bytes that are no UTF-8
      {"stream_head", StreamHead{.id = 7, .status = 200, .headers = {{"A", "b"}}, .route = "/s"},
       "00 00 00 10"
       "95 cc 86"           // array of 5, type 134
       "07"                 // id 7
       "cc c8"              // 200
       "92"                 // one header
       "c4 01 41 c4 01 62"  // "A", "b"
       "a2 2f 73"},         // "/s"
      {"stream_chunk", StreamChunk{.id = 7, .bytes = "ab"},
       "00 00 00 08"
       "93 cc 87"       // array of 3, type 135
       "07"             // id 7
       "c4 02 61 62"},  // the bytes
      {"stream_end", StreamEnd{.id = 7, .error = ""},
       "00 00 00 06"
       "93 cc 88"  // array of 3, type 136
       "07"        // id 7
       "c4 00"},   // no error
      {"metric",
       Metric{.kind = "counter", .name = "n", .help = "h", .labels = {{"l", "v"}}, .values = {1.5}},
       "00 00 00 21"
       "96 cc 89"                         // array of 6, type 137
       "a7 63 6f 75 6e 74 65 72"          // "counter"
       "a1 6e"                            // "n"
       "c4 01 68"                         // "h"
       "92 c4 01 6c c4 01 76"             // one label
       "91 cb 3f f8 00 00 00 00 00 00"},  // 1.5
      {"memory_refused", MemoryRefused{.memory = 7},
       "00 00 00 04"
       "92 cc 8b 07"},  // array of 2, type 139, memfd 7
      {"stacks", Stacks{.id = 7, .text = "t"},
       "00 00 00 07"
       "93 cc 8a"    // array of 3, type 138
       "07"          // id 7
       "c4 01 74"},  // "t"
  };
}

}  // namespace lambdapool::protocol
