#include "supervisor/http/proxy_path.h"

#include <gtest/gtest.h>

namespace lambdapool::supervisor {
namespace {

constexpr std::string_view kAccount = "0b1f1d4e-7c52-4c9f-8a44-0f5f6a1d2c3b";

RequestHead head_with(std::string_view name, std::string_view value) {
  RequestHead head;
  head.fields = {{"Host", "x"}, {name, value}};
  return head;
}

TEST(ProxyPath, WhatFollowsProxyIsWhatTheLambdaIsAskedFor) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"/1/lambdas/some-id/proxy/main", "/main"},
      {"/6/lambdas/some-id/proxy/main", "/main"},
      {"/12/lambdas/some-id/proxy/a/b%20c/", "/a/b%20c/"},
      {"/1/lambdas/some-id/proxy/", "/"},
      {"/1/lambdas/some-id/proxy", "/"},
      {"/1/lambdas/some-id/proxy//main", "//main"},
  };
  for (const auto& [path, wanted] : table) {
    const auto proxy = parse_proxy_path(path);
    ASSERT_TRUE(proxy) << path;
    EXPECT_EQ(proxy->lambda_id, "some-id") << path;
    EXPECT_EQ(proxy->path, wanted) << path;
  }
}

TEST(ProxyPath, OtherPathsAreTheLambdasOwn) {
  for (const std::string_view path : {"",
                                      "/",
                                      "*",
                                      "main",
                                      "/main",
                                      "/1",
                                      "/1/lambdas",
                                      "/1/lambdas/",
                                      "/1/lambdas/id",
                                      "/1/lambdas/id/",
                                      "/1/lambdas/id/prox",
                                      "/1/lambdas/id/proxymain",
                                      "/1/lambdas//proxy/main",
                                      "//lambdas/id/proxy/main",
                                      "/v1/lambdas/id/proxy/main",
                                      "/-1/lambdas/id/proxy/main",
                                      "/1/Lambdas/id/proxy/main",
                                      "/1/lambdas/id/main",
                                      "/1/lambdas/a/b/proxy/main",
                                      "1/lambdas/id/proxy/main"}) {
    EXPECT_FALSE(parse_proxy_path(path)) << path;
  }
}

TEST(ProxyPath, ARequestForThisLambdaOnSomebodysBehalfPasses) {
  for (const std::string_view id : {"lid", "LID"}) {
    EXPECT_FALSE(find_proxy_fault({id, "/main"}, head_with("luna-account-id", kAccount), "lid"));
  }
}

TEST(ProxyPath, AnotherLambdaIsNotFound) {
  const auto fault =
      find_proxy_fault({"other", "/main"}, head_with("Luna-Account-Id", kAccount), "lid");
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->status, 404U);
  EXPECT_EQ(fault->error_code, 42001U);
  EXPECT_EQ(fault->detail, "Lambda with id 'other' not found");
}

TEST(ProxyPath, TheAccountMustBeGiven) {
  const auto fault = find_proxy_fault({"lid", "/main"}, head_with("X-Other", kAccount), "lid");
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->status, 400U);
  EXPECT_EQ(fault->error_code, 12031U);
  EXPECT_EQ(fault->detail, "Header 'Luna-Account-Id' is required");
}

TEST(ProxyPath, TheAccountMustBeAUuidInLowerCase) {
  for (const std::string_view account :
       {"", "your_account_id", "0B1F1D4E-7C52-4C9F-8A44-0F5F6A1D2C3B",
        "0b1f1d4e-7c52-4c9f-8a44-0f5f6a1d2c3", "0b1f1d4e-7c52-4c9f-8a44-0f5f6a1d2c3b0",
        "0b1f1d4e07c52-4c9f-8a44-0f5f6a1d2c3b", "0b1f1d4g-7c52-4c9f-8a44-0f5f6a1d2c3b"}) {
    const auto fault =
        find_proxy_fault({"lid", "/main"}, head_with("Luna-Account-Id", account), "lid");
    ASSERT_TRUE(fault) << account;
    EXPECT_EQ(fault->detail, "Bad header 'Luna-Account-Id': it must be a UUID in lower case");
  }
}

}  // namespace
}  // namespace lambdapool::supervisor
