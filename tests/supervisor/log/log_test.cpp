#include "supervisor/log/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using Clock = std::chrono::steady_clock;
using uv::FileDescriptor;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin));
  }
  EXPECT_EQ(begin, text.size()) << "the last line has no end";
  return lines;
}

// Has the log write into a file of its own.
class LogFile : public testing::Test {
 protected:
  LogFile() {
    std::string name = testing::TempDir() + "lambdapool_log_XXXXXX";
    folder_ = mkdtemp(name.data());
    config_.file = (folder_ / "log").string();
  }
  ~LogFile() override { std::filesystem::remove_all(folder_); }

  static std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<std::string> lines() { return lines_of(read(config_.file)); }
  std::unique_ptr<Log> open() { return open_log(config_).value(); }

  std::filesystem::path folder_;
  LogConfig config_;
};

TEST_F(LogFile, RecordsAreWrittenInTheirOrderBeforeTheLogIsGone) {
  {
    const auto log = open();
    for (int i = 0; i < 5000; ++i) log->info("record", {{"number", i}});
  }

  const auto written = lines();
  ASSERT_THAT(written, SizeIs(5000));
  for (int i = 0; i < 5000; ++i) {
    ASSERT_THAT(written[static_cast<std::size_t>(i)],
                EndsWith(" INFO  record number=" + std::to_string(i)));
  }
}

TEST_F(LogFile, RecordsBelowTheLevelAreLeftOut) {
  config_.level = LogLevel::kWarning;
  {
    const auto log = open();
    EXPECT_FALSE(log->enabled(LogLevel::kInfo));
    EXPECT_TRUE(log->enabled(LogLevel::kWarning));
    log->info("left out");
    log->error("written");
    log->set_level(LogLevel::kDebug);
    log->debug("written too");
  }

  EXPECT_THAT(lines(), ElementsAre(EndsWith(" ERROR written"), EndsWith(" DEBUG written too")));
}

TEST_F(LogFile, JsonIsOneObjectALine) {
  config_.format = LogFormat::kJson;
  open()->info("a\nb", {{"k", "v"}});

  EXPECT_THAT(lines(), ElementsAre(EndsWith(R"("level":"info","message":"a\nb","k":"v"})")));
}

TEST_F(LogFile, AnExistingFileIsAppendedTo) {
  std::ofstream(config_.file) << "before\n";
  open()->info("after");

  EXPECT_THAT(lines(), ElementsAre("before", EndsWith("after")));
}

TEST_F(LogFile, AFileThatCannotBeOpenedIsAnErrorWithItsNameAndTheReason) {
  config_.file = (folder_ / "none" / "log").string();
  const auto log = open_log(config_);

  ASSERT_FALSE(log);
  EXPECT_EQ(log.error(),
            "log.file: " + config_.file + " cannot be opened: No such file or directory");
}

TEST_F(LogFile, ReopeningGoesOnInANewFileUnderTheName) {
  {
    const auto log = open();
    log->info("one");
    // The rename must not overtake the line.
    while (read(config_.file).empty()) std::this_thread::yield();
    std::filesystem::rename(config_.file, folder_ / "log.1");
    log->info("two");
    log->reopen();
    log->info("three");
  }

  EXPECT_THAT(lines_of(read(folder_ / "log.1")), ElementsAre(EndsWith("one"), EndsWith("two")));
  EXPECT_THAT(lines(), ElementsAre(EndsWith(" INFO  log file opened again"), EndsWith("three")));
}

TEST_F(LogFile, WhenReopeningFailsTheOldFileIsWrittenAndSaysWhy) {
  config_.file = (folder_ / "sub" / "log").string();
  std::filesystem::create_directory(folder_ / "sub");
  {
    const auto log = open();
    std::filesystem::rename(folder_ / "sub", folder_ / "moved");
    log->reopen();
    log->info("after");
  }

  EXPECT_THAT(lines_of(read(folder_ / "moved" / "log")),
              ElementsAre(HasSubstr("cannot be opened again"), EndsWith("after")));
}

TEST_F(LogFile, ManyThreadsMayWriteAtATime) {
  {
    const auto log = open();
    const auto write = [&] {
      for (int k = 0; k < 1000; ++k) log->info("record", {{"text", "some text"}});
    };
    const std::jthread one(write);
    const std::jthread two(write);
  }

  const auto written = lines();
  EXPECT_THAT(written, SizeIs(2000));
  EXPECT_THAT(written, testing::Each(EndsWith(R"( INFO  record text="some text")")));
}

TEST_F(LogFile, LinesThatCannotBeWrittenAreCounted) {
  std::filesystem::create_symlink("/dev/full", config_.file);
  {
    const auto log = open();
    log->info("lost");
    log->info("lost too");
    // The log has the device open; what follows the reopening goes to a file.
    std::filesystem::remove(config_.file);
    log->reopen();
    log->info("kept");
  }

  const std::string text = read(config_.file);
  EXPECT_THAT(text, HasSubstr(" INFO  kept\n"));
  EXPECT_THAT(text, Not(HasSubstr(" INFO  lost")));
  EXPECT_THAT(text, HasSubstr("log lines have been lost dropped=0 unwritten=2 "
                              "reason=\"No space left on device\""));
}

// Lets no file grow beyond so many bytes, as a full disk does.
class FullDisk {
 public:
  explicit FullDisk(std::uintmax_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit full{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &full);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

bool wait_until(const std::function<bool()>& happened) {
  const auto end = Clock::now() + 20s;
  while (!happened() && Clock::now() < end) std::this_thread::sleep_for(1ms);
  return happened();
}

TEST_F(LogFile, TheLineAfterAHalfWrittenOneBeginsAnew) {
  const auto log = open();
  log->info("first");
  ASSERT_TRUE(wait_until([&] { return !read(config_.file).empty(); }));
  {
    const FullDisk full(std::filesystem::file_size(config_.file) + 10);
    for (std::uint64_t i = 1; i <= 3; ++i) {
      log->info("lost");
      ASSERT_TRUE(wait_until([&] { return log->lost().unwritten >= i; }));
    }
  }
  log->info("kept");
  ASSERT_TRUE(wait_until([&] { return read(config_.file).ends_with("kept\n"); }));

  const auto written = lines();
  ASSERT_GE(written.size(), 3U);
  EXPECT_THAT(written.at(0), EndsWith(" INFO  first"));
  EXPECT_THAT(written.at(1), SizeIs(10));
  for (std::size_t i = 2; i < written.size(); ++i) {
    EXPECT_THAT(written.at(i), testing::MatchesRegex("2[-0-9T:.]+Z (INFO |WARN ) .*")) << i;
  }
}

// Puts a descriptor in the place of standard error and takes it away again.
class StandardError {
 public:
  explicit StandardError(int fd) : saved_(::dup(STDERR_FILENO)) { ::dup2(fd, STDERR_FILENO); }
  ~StandardError() { ::dup2(saved_.get(), STDERR_FILENO); }
  StandardError(const StandardError&) = delete;
  StandardError& operator=(const StandardError&) = delete;

 private:
  FileDescriptor saved_;
};

struct Ends {
  FileDescriptor read;
  FileDescriptor write;
};

Ends make_pipe() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

Ends make_socket_pair() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

// Everything until all writers are gone.
std::string drain(int fd) {
  std::string text;
  std::array<char, 65536> piece{};
  for (ssize_t count; (count = ::read(fd, piece.data(), piece.size())) > 0;) {
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
  return text;
}

// More than a pipe and a socket buffer hold, and than the queue does.
void write_too_much(Log& log) {
  const std::string text(1000, 'x');
  for (int i = 0; i < 20'000; ++i) log.info("record", {{"text", text}});
}

class LogToStandardError : public testing::TestWithParam<Ends (*)()> {};

TEST_P(LogToStandardError, LinesComeOutAndNothingElseDoes) {
  Ends ends = GetParam()();
  {
    const StandardError replaced(ends.write.get());
    open_log(LogConfig{}).value()->warning("hello", {{"n", 1}});
  }
  ends.write.reset();

  EXPECT_THAT(lines_of(drain(ends.read.get())), ElementsAre(EndsWith(" WARN  hello n=1")));
}

TEST_P(LogToStandardError, AReaderThatDoesNotReadDelaysTheEndByTwoSecondsAndBlocksNobody) {
  const Ends ends = GetParam()();
  const StandardError replaced(ends.write.get());
  auto log = open_log(LogConfig{}).value();

  const auto begin = Clock::now();
  write_too_much(*log);
  const auto written = Clock::now();
  log.reset();
  const auto closed = Clock::now();

  EXPECT_LT(written - begin, 10s);
  EXPECT_GT(closed - written, 1900ms);
  EXPECT_LT(closed - written, 5s);
}

TEST_P(LogToStandardError, TheFlagsOfWhatWasInheritedStayAsTheyAre) {
  const Ends ends = GetParam()();
  const StandardError replaced(ends.write.get());
  const int before = ::fcntl(STDERR_FILENO, F_GETFL);
  const auto log = open_log(LogConfig{}).value();
  log->info("hello");

  EXPECT_EQ(::fcntl(STDERR_FILENO, F_GETFL), before);
}

TEST_P(LogToStandardError, ASlowReaderGetsWholeLinesAndTheCountOfThoseDropped) {
  Ends ends = GetParam()();
  std::string text;
  {
    const StandardError replaced(ends.write.get());
    auto log = open_log(LogConfig{}).value();
    write_too_much(*log);
    const std::jthread reader([&] { text = drain(ends.read.get()); });
    log->info("last");
    log.reset();
    ::dup2(::fileno(stdout), STDERR_FILENO);
    ends.write.reset();
  }

  const auto lines = lines_of(text);
  std::size_t records = 0;
  std::size_t dropped = 0;
  for (const std::string& line : lines) {
    records += line.ends_with(" record text=" + std::string(1000, 'x')) ? 1 : 0;
    const std::size_t at = line.find("have been lost dropped=");
    if (at != std::string::npos) dropped = std::stoul(line.substr(at + 23));
  }
  EXPECT_GT(dropped, 0U);
  EXPECT_EQ(records + dropped, 20'000U);
  EXPECT_THAT(text, HasSubstr(" INFO  last\n"));
}

TEST_P(LogToStandardError, AReaderThatHasGoneCostsNothing) {
  Ends ends = GetParam()();
  const StandardError replaced(ends.write.get());
  auto log = open_log(LogConfig{}).value();
  ends.read.reset();

  const auto begin = Clock::now();
  write_too_much(*log);
  log.reset();

  EXPECT_LT(Clock::now() - begin, 60s);  // 20 000 waits, however short, take longer.
}

INSTANTIATE_TEST_SUITE_P(Ways, LogToStandardError, testing::Values(&make_pipe, &make_socket_pair),
                         [](const auto& way) { return way.index == 0 ? "Pipe" : "Socket"; });

TEST(LogToStandardErrorOfAnotherUser, EvenAPipeThatCannotBeOpenedAgainBlocksNobody) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the thread sanitizer has threads of its own, which a fork does not take along";
#endif
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  const Ends ends = make_pipe();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(10);
    ::dup2(ends.write.get(), STDERR_FILENO);
    if (::setuid(65534) != 0 || ::open("/proc/self/fd/2", O_WRONLY | O_CLOEXEC) >= 0) ::_exit(2);
    auto log = open_log(LogConfig{}).value();
    write_too_much(*log);
    log.reset();
    ::_exit(0);
  }

  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);

  EXPECT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace lambdapool::supervisor
