#include "supervisor/pool/stack_taker.h"

#include <gtest/gtest.h>

namespace lambdapool::supervisor {
namespace {

constexpr std::string_view kTasks =
    R"(task 'Task-3'
  lambda_main.py:30 in background: await asyncio.sleep(9)
task 'onStart'
  lambda_main.py:12 in onStart: await connect()
  lib/db.py:7 in connect: await asyncio.sleep(1000)
  /usr/lib/python3.11/asyncio/tasks.py:639 in sleep: return await future
  waits for task 'Task-3'
)";

TEST(PlaceInTasks, ItIsTheInnermostLineOfTheLambdaInThatTask) {
  EXPECT_EQ(place_in_tasks(kTasks, "onStart"), "lib/db.py:7 in connect: await asyncio.sleep(1000)");
  EXPECT_EQ(place_in_tasks(kTasks, "Task-3"),
            "lambda_main.py:30 in background: await asyncio.sleep(9)");
}

TEST(PlaceInTasks, ThereIsNoneWhereTheTaskIsNotToldOrHasNoLineOfTheLambda) {
  EXPECT_EQ(place_in_tasks(kTasks, "Task-4"), "");
  EXPECT_EQ(place_in_tasks("", "onStart"), "");
  EXPECT_EQ(place_in_tasks("task 'onStart'\n  /usr/lib/a.py:1 in a: x\n  a:b\n  a:\n", "onStart"),
            "");
}

}  // namespace
}  // namespace lambdapool::supervisor
