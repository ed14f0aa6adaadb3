#include "supervisor/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lambdapool::supervisor {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

using Arguments = std::vector<std::string>;

// The settings as "origin | key | value".
std::vector<std::string> sets_of(const ConfigSources& sources) {
  std::vector<std::string> texts;
  texts.reserve(sources.sets.size());
  for (const Setting& set : sources.sets)
    texts.push_back(set.origin + " | " + set.key + " | " + set.value);
  return texts;
}

ConfigSources serve(Arguments arguments) {
  arguments.insert(arguments.begin(), "serve");
  const auto command = parse_command_line(arguments);
  if (!command) ADD_FAILURE() << command.error().text;
  return command ? std::get<ServeCommand>(*command).sources : ConfigSources{};
}

std::string usage_error(const Arguments& arguments) {
  const auto command = parse_command_line(arguments);
  EXPECT_FALSE(command) << testing::PrintToString(arguments);
  return command ? "" : command.error().text;
}

std::string shown(const Arguments& arguments) {
  const auto command = parse_command_line(arguments);
  const auto* text = command ? std::get_if<ShowText>(&*command) : nullptr;
  EXPECT_NE(text, nullptr) << testing::PrintToString(arguments);
  if (text == nullptr) return "";
  EXPECT_EQ(text->exit_code, 0);
  return text->text;
}

TEST(CommandLine, ServeTakesAPath) {
  const ConfigSources sources = serve({"examples/hello"});

  EXPECT_EQ(sources.file, std::nullopt);
  EXPECT_EQ(sources.lambda_path, LambdaPath::kRequired);
  EXPECT_THAT(sets_of(sources),
              testing::ElementsAre("PATH 'examples/hello' | lambda.path | examples/hello"));
}

TEST(CommandLine, EveryFlagBecomesASettingThatNamesIt) {
  const ConfigSources sources =
      serve({"--host", "::", "--port=0", "--workers", "4", "--concurrency", "8", "--venv", "v",
             "--log-level", "debug", "--log-format", "json", "--config", "c.yml"});

  EXPECT_EQ(sources.file, "c.yml");
  EXPECT_THAT(sets_of(sources),
              testing::ElementsAre(
                  "--host :: | server.host | ::", "--port 0 | server.port | 0",
                  "--workers 4 | pool.workers | 4", "--concurrency 8 | pool.concurrency | 8",
                  "--venv v | lambda.venv | v", "--log-level debug | log.level | debug",
                  "--log-format json | log.format | json"));
}

TEST(CommandLine, SettingsKeepTheOrderOfTheCommandLine) {
  EXPECT_THAT(
      sets_of(serve(
          {"--set", "server.port=1", "--port", "2", "x", "--set", "server.port=3", "--port", "4"})),
      testing::ElementsAre("--set server.port=1 | server.port | 1", "--port 2 | server.port | 2",
                           "PATH 'x' | lambda.path | x", "--set server.port=3 | server.port | 3",
                           "--port 4 | server.port | 4"));
}

TEST(CommandLine, OneSetTakesOneArgument) {
  EXPECT_THAT(
      sets_of(serve({"--set", "server.port=1", "x"})),
      testing::ElementsAre("--set server.port=1 | server.port | 1", "PATH 'x' | lambda.path | x"));
}

TEST(CommandLine, ValuesAreTakenAsTheyAre) {
  EXPECT_THAT(
      sets_of(
          serve({"x", "--port", "-1", "--host", "[::1]", "--set", "lambda.name=[a,b] = \"c\""})),
      testing::ElementsAre("PATH 'x' | lambda.path | x", "--port -1 | server.port | -1",
                           "--host [::1] | server.host | [::1]",
                           "--set lambda.name=[a,b] = \"c\" | lambda.name | [a,b] = \"c\""));
}

TEST(CommandLine, APathMayBeCalledLikeACommandOrAFlag) {
  EXPECT_THAT(sets_of(serve({"config"})),
              testing::ElementsAre("PATH 'config' | lambda.path | config"));
  EXPECT_THAT(sets_of(serve({"--", "--help"})),
              testing::ElementsAre("PATH '--help' | lambda.path | --help"));
}

TEST(CommandLine, ServeNeedsAPathOrAFileThatMayHaveOne) {
  EXPECT_THAT(usage_error({"serve"}), HasSubstr("Give the PATH of a lambda"));
  EXPECT_THAT(usage_error({"serve", "--port", "0"}), HasSubstr("Give the PATH of a lambda"));
  EXPECT_EQ(serve({"--config", "c.yml"}).lambda_path, LambdaPath::kRequired);
  EXPECT_EQ(serve({"--set", "lambda.path=x"}).lambda_path, LambdaPath::kRequired);
}

TEST(CommandLine, ConfigTakesTheSameArgumentsAndNeedsNone) {
  const auto command = parse_command_line({"config", "x", "--config", "c.yml", "--port", "0"});

  ASSERT_TRUE(command);
  const ConfigSources& sources = std::get<ConfigCommand>(*command).sources;
  EXPECT_EQ(sources.file, "c.yml");
  EXPECT_EQ(sources.lambda_path, LambdaPath::kOptional);
  EXPECT_EQ(sources.sets.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<ConfigCommand>(parse_command_line({"config"}).value()));
}

TEST(CommandLine, TaskRunTakesALambdaAndItsContent) {
  const auto command = parse_command_line({"task", "run", "lambda.zip", "-", "--workers", "4"});

  ASSERT_TRUE(command);
  const auto& run = std::get<TaskRunCommand>(*command);
  EXPECT_EQ(run.content, "-");
  EXPECT_EQ(run.sources.sets.size(), 2U);
  EXPECT_EQ(run.sources.lambda_path, LambdaPath::kRequired);
  ASSERT_EQ(run.sources.defaults.size(), 1U);
  EXPECT_EQ(run.sources.defaults[0].key, "log.level");
  EXPECT_FALSE(parse_command_line({"task"}));
  EXPECT_FALSE(parse_command_line({"task", "run", "lambda.zip"}));
  EXPECT_FALSE(parse_command_line({"task", "run", "lambda.zip", "-", "--port", "1"}));
}

TEST(CommandLine, VersionAndHelpAreShown) {
  EXPECT_EQ(shown({"--version"}), "lambdapool " LAMBDAPOOL_VERSION "\n");
  EXPECT_THAT(shown({"--help"}),
              testing::AllOf(HasSubstr("serve"), HasSubstr("config"), HasSubstr("Examples:")));
  EXPECT_EQ(shown({"-h"}), shown({"--help"}));
  EXPECT_THAT(
      shown({"serve", "--help"}),
      testing::AllOf(HasSubstr("[PATH]"), HasSubstr("--set KEY=VALUE"), HasSubstr("Default: 8000."),
                     HasSubstr("lambdapool serve lambda.zip")));
  EXPECT_THAT(shown({"config", "x", "--help"}), HasSubstr("Exits with 0"));
}

TEST(CommandLine, WhatIsUnknownGetsASuggestion) {
  EXPECT_THAT(usage_error({"srve", "x"}),
              StartsWith("lambdapool: unknown command 'srve'; did you mean 'serve'?\n"));
  EXPECT_THAT(usage_error({"start"}), HasSubstr("lambdapool --help` lists the commands"));
  EXPECT_THAT(usage_error({"--versoin"}), HasSubstr("did you mean '--version'?"));
  EXPECT_THAT(usage_error({"serve", "x", "--prot", "80"}),
              HasSubstr("unknown flag '--prot'; did you mean '--port'?"));
  EXPECT_THAT(usage_error({"serve", "x", "--wokers=4"}), HasSubstr("did you mean '--workers'?"));
  EXPECT_THAT(usage_error({"serve", "x", "-p", "80"}), HasSubstr("unknown flag '-p'"));
  EXPECT_THAT(usage_error({"--port", "80", "serve", "x"}),
              HasSubstr("--port comes after the command"));
}

TEST(CommandLine, AUsageErrorSaysWhereHelpIs) {
  EXPECT_THAT(usage_error({}), HasSubstr("Try `lambdapool --help`."));
  EXPECT_THAT(usage_error({"serve", "x", "y"}),
              testing::AllOf(HasSubstr("unexpected argument 'y'"),
                             EndsWith("\nTry `lambdapool serve --help`.\n")));
}

TEST(CommandLine, AFlagNeedsItsValue) {
  EXPECT_THAT(usage_error({"serve", "x", "--port"}), HasSubstr("'--port' needs a value"));
  EXPECT_THAT(usage_error({"serve", "x", "--port="}), HasSubstr("'--port=' has no value"));
  EXPECT_THAT(usage_error({"serve", "x", "--host", "--port", "80"}),
              HasSubstr("--host needs a value"));
  EXPECT_THAT(usage_error({"serve", "x", "--set", "a"}),
              HasSubstr("--set a: must be key.path=value"));
}

TEST(CommandLine, ControlCharactersAreNotEchoed) {
  EXPECT_THAT(usage_error({"\x1b[31mred"}), HasSubstr("'\\x1b[31mred'"));
}

}  // namespace
}  // namespace lambdapool::supervisor
