#include "supervisor/config/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "supervisor/config/read_file.h"

namespace lambdapool::supervisor {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class Loader : public testing::Test {
 protected:
  Loader() {
    std::string name = testing::TempDir() + "lambdapool_loader_XXXXXX";
    folder_ = mkdtemp(name.data());
    file_ = (folder_ / "c.yml").string();
  }
  ~Loader() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& yaml) { std::ofstream(file_, std::ios::binary) << yaml; }

  Config load(const std::string& yaml, std::vector<Setting> sets = {}) {
    write(yaml);
    auto config = load_config({file_, std::move(sets)});
    if (!config) {
      ADD_FAILURE() << testing::PrintToString(config.error());
      return {};
    }
    return *config;
  }

  // Complaints, with the file's name cut to c.yml.
  std::vector<std::string> complaints(const std::string& yaml, std::vector<Setting> sets = {}) {
    write(yaml);
    return complaints_of({file_, std::move(sets)});
  }

  std::vector<std::string> complaints_of(const ConfigSources& sources) {
    const auto config = load_config(sources);
    if (config) return {};
    std::vector<std::string> errors = config.error();
    const std::string prefix = folder_.string() + "/";
    for (std::string& error : errors) {
      if (error.starts_with(prefix)) error.erase(0, prefix.size());
    }
    return errors;
  }

  static Setting set(const std::string& argument) { return *parse_set(argument); }

  std::filesystem::path folder_;
  std::string file_;
};

TEST_F(Loader, WithoutSourcesEverythingIsAtItsDefault) {
  const auto config = load_config({});

  ASSERT_TRUE(config);
  EXPECT_EQ(config->server.port, 8000);
  EXPECT_EQ(config->pool.concurrency, 1024U);
}

TEST_F(Loader, AFileSetsKeysOfEveryKind) {
  const Config config = load(
      "# a comment\n"
      "server:\n"
      "  host: \"::1\"\n"
      "  port: 0\n"
      "  max_body: 10MiB\n"
      "pool: {workers: 4, queue_timeout: 250ms}\n"
      "worker: {event_loop: asyncio}\n"
      "log:\n"
      "  level: error\n"
      "  format: json\n"
      "  access: off\n");

  EXPECT_EQ(config.server.host, "::1");
  EXPECT_EQ(config.server.port, 0);
  EXPECT_EQ(config.server.max_body, 10U << 20U);
  EXPECT_EQ(config.pool.workers, 4U);
  EXPECT_EQ(config.pool.queue_timeout, milliseconds(250));
  EXPECT_EQ(config.worker.event_loop, EventLoop::kAsyncio);
  EXPECT_EQ(config.log.level, LogLevel::kError);
  EXPECT_EQ(config.log.format, LogFormat::kJson);
  EXPECT_FALSE(config.log.access);
}

TEST_F(Loader, TextIsTakenAsItIsWritten) {
  EXPECT_EQ(load("lambda: {version: 1.10}").lambda.version, "1.10");
  EXPECT_EQ(load("lambda: {name: 'null'}").lambda.name, "null");
  EXPECT_EQ(load("lambda: {name: \"a \\\"b\\\"\"}").lambda.name, "a \"b\"");
}

TEST_F(Loader, AnEmptyFileAndEmptySectionsChangeNothing) {
  for (const char* yaml :
       {"", "# nothing\n", "---\n", "server:\npool:\n  # workers: 3\n", "\xef\xbb\xbf"}) {
    EXPECT_EQ(load(yaml).server.port, 8000) << yaml;
  }
}

TEST_F(Loader, ADottedKeyIsTheSameAsANestedOne) {
  EXPECT_EQ(load("server.port: 81\nserver:\n  host: a\n").server.port, 81);
  EXPECT_THAT(complaints("server.port: 81\nserver:\n  port: 82\n"),
              ElementsAre("c.yml:3: server.port: given twice; the first one is in line 1"));
}

TEST_F(Loader, TheCommandLineWinsOverTheFileAndLaterOverEarlier) {
  const Config config =
      load("server: {port: 1, host: a}\npool: {workers: 2}\n",
           {set("server.port=2"), {"--port 3", "server.port", "3"}, set("pool.workers=5")});

  EXPECT_EQ(config.server.port, 3);
  EXPECT_EQ(config.server.host, "a");
  EXPECT_EQ(config.pool.workers, 5U);
}

TEST_F(Loader, EveryComplaintIsMadeAtOnceWithFileLineAndKey) {
  EXPECT_THAT(
      complaints("server:\n"
                 "  prot: 80\n"
                 "  max_body: 10MB\n"
                 "srever: {port: 1}\n"
                 "pool:\n"
                 "  workers: [1]\n",
                 {set("pool.grace=5"), {"--port 99999", "server.port", "99999"}}),
      ElementsAre(
          "c.yml:2: server.prot: unknown key; did you mean 'server.port'?",
          "c.yml:3: server.max_body: must be a size from 1B to 256MiB, such as 512B, 64KiB, 10MiB "
          "or 1GiB, "
          "not '10MB'",
          "c.yml:4: srever: unknown key; did you mean 'server'?",
          "c.yml:6: pool.workers: must be a whole number of processes from 1 to 1024, not a list",
          "--set pool.grace=5: must be a duration from 0s to 24h, such as 250ms, 2s, 5m or 1h, not "
          "'5'",
          "--port 99999: must be a whole number from 0 to 65535, not '99999'"));
}

TEST_F(Loader, AKeyWithoutItsSectionIsFound) {
  EXPECT_THAT(complaints("port: 1"),
              ElementsAre("c.yml:1: port: unknown key; did you mean 'server.port'?"));
  EXPECT_THAT(
      complaints("pool: {host: x}"),
      ElementsAre("c.yml:1: pool.host: unknown key; 'host' is a key of server, not of pool"));
}

TEST_F(Loader, ASuggestionIsNeitherOfAnotherSectionNorTheKeyItself) {
  EXPECT_THAT(complaints("log: {lever: info}"), ElementsAre(HasSubstr("mean 'log.level'?")));
  EXPECT_THAT(
      complaints("admin: {port: 1}"),
      ElementsAre("c.yml:1: admin.port: unknown key; 'port' is a key of server, not of admin"));
  EXPECT_THAT(complaints("log: {cupboard: x}"),
              ElementsAre(HasSubstr("unknown key; `lambdapool config` shows every key")));
  EXPECT_THAT(
      complaints("luna: {LUNA_FACES_ADDRESS: {origin: {x: 1}}}"),
      ElementsAre("c.yml:1: luna.LUNA_FACES_ADDRESS.origin: must be a value, not a mapping"));
}

TEST_F(Loader, AKeyLikeNoneIsSentToTheReference) {
  EXPECT_THAT(complaints("cupboard: {url: x}"),
              ElementsAre(EndsWith("unknown key; `lambdapool config` shows every key")));
}

TEST_F(Loader, AValueOfTheWrongShapeIsRefused) {
  EXPECT_THAT(
      complaints("server: 5"),
      ElementsAre(
          "c.yml:1: server: must be a mapping of keys to values, such as 'server: {host: ...}'"));
  EXPECT_THAT(complaints("server: {port: {a: 1}}"), ElementsAre(EndsWith("not a mapping")));
  EXPECT_THAT(complaints("- a"), ElementsAre(HasSubstr("c.yml:1: must be a mapping of sections")));
  EXPECT_THAT(complaints("just text"),
              ElementsAre(HasSubstr("c.yml:1: must be a mapping of sections")));
  EXPECT_THAT(complaints("server:\n  port:\n"),
              ElementsAre(HasSubstr("c.yml:2: server.port: has no value")));
  EXPECT_THAT(complaints("lambda: {name: ~}"), ElementsAre(HasSubstr("has no value")));
  EXPECT_THAT(complaints("? [a]\n: 3\n"), ElementsAre("c.yml:1: a key must be plain text"));
  EXPECT_THAT(
      complaints("{}", {set("server=1")}),
      ElementsAre("--set server=1: is a section; name one of its keys, as in 'server.host'"));
}

TEST_F(Loader, ADuplicateIsRefusedWithBothItsLines) {
  EXPECT_THAT(complaints("server:\n  port: 1\n  port: 2\n"),
              ElementsAre("c.yml:3: server.port: given twice; the first one is in line 2"));
  EXPECT_THAT(complaints("server:\n  port: 1\nserver:\n  host: a\n"),
              ElementsAre("c.yml:3: server: given twice; the first one is in line 1"));
}

TEST_F(Loader, BadYamlIsRefusedWithItsLine) {
  EXPECT_THAT(complaints("server:\n  port: 80\n   host: x\n"),
              ElementsAre(HasSubstr("c.yml:3: not valid YAML: ")));
  EXPECT_THAT(complaints("server: {port: 80\n"), ElementsAre(HasSubstr("not valid YAML: ")));
  EXPECT_THAT(complaints("server: }"), ElementsAre(HasSubstr("c.yml:1: not valid YAML: ")));
}

TEST_F(Loader, ATabIsRefusedWhereItIndents) {
  EXPECT_THAT(complaints("server:\n\tport: 80\n"),
              ElementsAre("c.yml:2: is indented with a tab; use spaces"));
  EXPECT_THAT(complaints("server:\n  \t host: a\n"),
              ElementsAre("c.yml:2: is indented with a tab; use spaces"));
  EXPECT_EQ(load("server:\n\t# a comment\n  port: 80\t# one more\n").server.port, 80);
}

TEST_F(Loader, AnchorsAliasesAndTagsAreRefused) {
  EXPECT_THAT(complaints("server: &s {port: 1}"),
              ElementsAre(HasSubstr("c.yml:1: anchors and aliases")));
  EXPECT_THAT(complaints("server: {port: !!int 8}"),
              ElementsAre(HasSubstr("c.yml:1: tags such as")));
  EXPECT_THAT(complaints("server: {port: *p}"), ElementsAre(HasSubstr("c.yml:1: ")));
}

TEST_F(Loader, AnAliasBombStaysSmall) {
  std::string yaml = "a: &a [x, x]\n";
  for (char c = 'b'; c <= 'z'; ++c) {
    const char before = static_cast<char>(c - 1);
    yaml.append({c, ':', ' ', '&', c, ' ', '[', '*', before, ',', '*', before, ']', '\n'});
  }
  EXPECT_THAT(complaints(yaml), SizeIs(kMaxComplaints + 1));
}

TEST_F(Loader, WhatIsNestedWithoutEndIsRefused) {
  EXPECT_THAT(complaints("a: " + std::string(100'000, '[')),
              ElementsAre("c.yml:1: is nested too deep"));
}

TEST_F(Loader, ASecondDocumentIsRefused) {
  EXPECT_THAT(complaints("server: {port: 1}\n---\nserver: {port: 2}\n"),
              ElementsAre("c.yml:3: a second document begins; only one is read"));
}

TEST_F(Loader, ControlCharactersAreNeitherTakenNorShown) {
  EXPECT_THAT(complaints("server: {host: \"a\\nb\"}"), ElementsAre(EndsWith("not 'a\\nb'")));
  EXPECT_THAT(complaints("\"\\e[31m\": 1"), ElementsAre("c.yml:1: a key must be plain text"));
}

TEST_F(Loader, AFileMayHaveOneMebibyteAndNotAByteMore) {
  EXPECT_EQ(load(std::string(kMaxConfigFile, '#')).server.port, 8000);
  EXPECT_THAT(complaints(std::string(kMaxConfigFile + 1, '#')),
              ElementsAre("c.yml: is larger than 1MiB; it cannot be a configuration"));
}

TEST_F(Loader, AFileOfNothingButMistakesEndsInFiftyComplaints) {
  std::string yaml;
  for (int i = 0; i < 1000; ++i) yaml += "k" + std::to_string(i) + ": 1\n";
  const auto errors = complaints(yaml);
  ASSERT_THAT(errors, SizeIs(kMaxComplaints + 1));
  EXPECT_EQ(errors.back(), "there is more to complain of");
}

TEST_F(Loader, AFileThatCannotBeReadIsNamedWithTheReason) {
  EXPECT_THAT(complaints_of({folder_ / "none.yml", {}}),
              ElementsAre("none.yml: cannot be opened: No such file or directory"));
  EXPECT_THAT(complaints_of({folder_.string() + "/.", {}}),
              ElementsAre(".: cannot be read: Is a directory"));
}

TEST_F(Loader, PathsInAFileCountFromItsFolderAndOthersFromTheCurrentOne) {
  const Config config = load("lambda: {path: a, venv: ./v/, unpack_dir: /u}\nlog: {file: x.log}\n",
                             {set("lambda.venv=w")});

  EXPECT_EQ(config.lambda.path, folder_ / "a");
  EXPECT_EQ(config.lambda.venv, std::filesystem::current_path() / "w");
  EXPECT_EQ(config.lambda.unpack_dir, "/u");
  EXPECT_EQ(config.log.file, folder_ / "x.log");
}

TEST_F(Loader, ThePathsOfHereAndAboveHaveNames) {
  EXPECT_EQ(load("{}", {set("lambda.path=.")}).lambda.path, std::filesystem::current_path());
  EXPECT_EQ(load("lambda: {path: x/..}").lambda.path, std::filesystem::canonical(folder_));
  EXPECT_EQ(load("lambda: {path: /}").lambda.path, "/");
}

TEST_F(Loader, ASymbolicLinkKeepsItsName) {
  std::filesystem::create_directory(folder_ / "real");
  std::filesystem::create_directory_symlink(folder_ / "real", folder_ / "current");

  EXPECT_EQ(load("lambda: {path: ./current/}").lambda.path, folder_ / "current");
}

TEST_F(Loader, ALimitThatWouldNeverActIsRefused) {
  EXPECT_THAT(complaints("server: {max_body: 200MiB, max_buffered: 100MiB}"),
              ElementsAre("c.yml:1: server.max_body: must not be more than server.max_buffered "
                          "(100MiB), the bodies of all "
                          "requests together; it is 200MiB"));
  EXPECT_THAT(complaints("server: {max_target: 128KiB}"),
              ElementsAre(HasSubstr("server.max_head (64KiB)")));
  EXPECT_THAT(complaints("pool: {queue_timeout: 61s}"),
              ElementsAre(HasSubstr("pool.request_timeout (60s)")));
  EXPECT_THAT(complaints("pool: {restart_backoff: 6s}"),
              ElementsAre(HasSubstr("pool.restart_backoff_max (5s)")));
  EXPECT_EQ(load("pool: {queue_timeout: 60s}").pool.queue_timeout, milliseconds(60'000));
}

TEST_F(Loader, WhatConcernsSeveralKeysIsToldWithItsPlace) {
  EXPECT_THAT(complaints("\nadmin: {listen: nowhere}"),
              ElementsAre(StartsWith("c.yml:2: admin.listen: must be unix:/")));
  EXPECT_THAT(complaints("monitoring:\n  url: ftp://x\n  bucket: b\n  organization: o\n"),
              ElementsAre(StartsWith("c.yml:2: monitoring.url: must be http://")));
  EXPECT_THAT(complaints("monitoring:\n  url: http://x\n"),
              ElementsAre(StartsWith("c.yml:2: monitoring.url is set: set monitoring.bucket")));
  EXPECT_THAT(complaints("luna:\n\n  account_id: me\n"),
              ElementsAre(StartsWith("c.yml:3: luna.account_id: must be a UUID")));
  EXPECT_THAT(
      complaints("luna: {LUNA_FACES_ADDRESS: {api_version: 3}}"),
      ElementsAre(StartsWith(
          "c.yml:1: luna.LUNA_FACES_ADDRESS.api_version: luna.LUNA_FACES_ADDRESS: has no origin")));
  EXPECT_THAT(complaints("admin: {listen: \"\"}", {set("admin.listen=nowhere")}),
              ElementsAre(StartsWith("--set admin.listen=nowhere: must be unix:/")));
  EXPECT_THAT(complaints("", {{"--grace 9s", "pool.queue_timeout", "2h"}}),
              ElementsAre(StartsWith("--grace 9s: pool.queue_timeout: must not be more than")));
}

TEST_F(Loader, AFolderForCrashesMayNotBeAFile) {
  EXPECT_THAT(complaints("crash:\n  folder: c.yml\n"),
              ElementsAre("c.yml:2: crash.folder: must be a folder, which is made when it is not "
                          "there; '" +
                          (folder_ / "c.yml").string() + "' is a file"));
  EXPECT_THAT(complaints("crash: {folder: c.yml/below}"), ElementsAre(HasSubstr("is a file")));
  EXPECT_EQ(load("crash: {folder: new/one}").crash.folder, folder_ / "new" / "one");
}

TEST_F(Loader, SizesThatNobodyMeansAreRefusedWithTheUnitThatMayBeMissing) {
  EXPECT_THAT(complaints("pool: {max_rss: 10}"),
              ElementsAre("c.yml:1: pool.max_rss: must be a size from off, or 10MiB to 1TiB, such "
                          "as 512B, 64KiB, 10MiB or 1GiB, not '10', which are bytes; did you mean "
                          "10MiB?"));
  EXPECT_THAT(complaints("pool: {max_rss: 9MiB}"), ElementsAre(HasSubstr("10MiB to 1TiB")));
  EXPECT_THAT(complaints("worker: {memory_limit: 200}"), ElementsAre(HasSubstr("mean 200MiB?")));
  EXPECT_THAT(complaints("server: {max_head: 64}"), ElementsAre(HasSubstr("mean 64KiB?")));
  EXPECT_EQ(load("pool: {max_rss: 10MiB}").pool.max_rss, 10U << 20U);
  EXPECT_EQ(load("pool: {max_rss: off}").pool.max_rss, 0U);
}

TEST_F(Loader, AnIdOfALambdaIsAPartOfUrls) {
  for (const char* good : {"6d071cca-fda5-4a03-84d5-5bea65904480", "faces_2.1", ""}) {
    EXPECT_THAT(complaints("", {set(std::string("lambda.id=") + good)}), IsEmpty()) << good;
  }
  for (const char* bad : {"a/b", "a b", "\u00e9", "a%2fb"}) {
    EXPECT_THAT(complaints("lambda:\n  id: \"" + std::string(bad) + "\"\n"),
                ElementsAre(StartsWith("c.yml:2: lambda.id: must be a UUID as LUNA gives it")))
        << bad;
  }
}

TEST_F(Loader, NarrowingAWideLimitNeedsNoThoughtForTheOthersDefault) {
  const Config config =
      load("server: {max_buffered: 1MiB, max_head: 1KiB}\npool: {request_timeout: 1s}\n");

  EXPECT_EQ(config.server.max_body,
            1U << 20U);  // So that a larger one is 413, and not 503 for ever.
  EXPECT_EQ(config.pool.queue_timeout, milliseconds(5000));
}

TEST_F(Loader, ServingNeedsAPathFromSomewhere) {
  write("server: {port: 0}\n");
  const ConfigSources none{file_, {}, LambdaPath::kRequired};
  EXPECT_THAT(complaints_of(none), ElementsAre(HasSubstr("c.yml: no lambda to serve; give PATH")));
  EXPECT_TRUE(load_config({file_, {set("lambda.path=x")}, LambdaPath::kRequired}));
  write("lambda: {path: x}\n");
  EXPECT_TRUE(load_config(none));
}

TEST_F(Loader, TheArgumentOfSetIsAKeyAndAValue) {
  const Setting setting = set("server.host=a=b");
  EXPECT_EQ(setting.key, "server.host");
  EXPECT_EQ(setting.value, "a=b");
  EXPECT_EQ(set("lambda.name=").value, "");
  EXPECT_EQ(parse_set("x").error(), "--set x: must be key.path=value, as in --set pool.workers=4");
  EXPECT_FALSE(parse_set("=x"));
  EXPECT_FALSE(parse_set(""));
}

}  // namespace
}  // namespace lambdapool::supervisor
