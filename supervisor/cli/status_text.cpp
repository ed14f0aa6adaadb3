#include "supervisor/cli/status_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "supervisor/cli/table.h"
#include "supervisor/lines.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::size_t kMostRequests = 20;

std::string escaped(const std::string& text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

std::string count_text(const Json& object, std::string_view name) {
  const auto count = count_member(object, name);
  return count ? std::to_string(*count) : "-";
}

std::string text_or_dash(const Json& object, std::string_view name) {
  return text_member(object, name, "-");
}

const Json& object_member(const Json& object, std::string_view name) {
  static const Json none = Json::object();
  const Json* value = member(object, name);
  return value != nullptr && value->is_object() ? *value : none;
}

// "crashed 2, hung 1": the members that are not zero.
std::string counts_text(const Json& counts) {
  std::string text;
  for (auto each = counts.begin(); each != counts.end(); ++each) {
    const auto count = count_member(counts, each.key());
    if (!count || *count == 0) continue;
    if (!text.empty()) text += ", ";
    text.append(each.key()).append(" ").append(std::to_string(*count));
  }
  return text.empty() ? "-" : text;
}

double oldest_age(const Json& worker) {
  double oldest = -1;
  for (const Json& request : array_member(worker, "requests")) {
    oldest = std::max(oldest, number_member(request, "age_s"));
  }
  return oldest;
}

std::string header_text(const Json& status) {
  const Json& lambda = object_member(status, "lambda");
  const Json& queue = object_member(status, "queue");
  const Json& totals = object_member(status, "totals");
  std::string out;
  const auto line = [&out](std::string_view title, const std::string& text) {
    constexpr std::size_t kTitle = 12;
    std::string padded(title);
    padded.resize(kTitle, ' ');
    out.append(padded).append(escaped(text)).append("\n");
  };
  line("lambda", text_or_dash(lambda, "name") + ", version " + text_or_dash(lambda, "version") +
                     ", " + text_member(lambda, "type", "type not known yet") + ", generation " +
                     count_text(status, "generation"));
  line("id", text_or_dash(lambda, "id"));
  line("path", text_or_dash(lambda, "path"));
  line("supervisor", "pid " + count_text(status, "pid") + ", up " +
                         age_text(number_member(status, "age_s", -1)) + ", " +
                         text_or_dash(status, "address"));
  line("config", text_member(status, "config", "no file"));
  line("state",
       text_or_dash(status, "state") + (bool_member(status, "ready") ? ", ready" : ", not ready"));
  for (const Json& reason : array_member(status, "reasons")) {
    line("", text_or_dash(reason, "reason") + ": " + text_or_dash(reason, "text"));
  }
  const double oldest = number_member(queue, "oldest_s");
  line("queue", count_text(queue, "length") + " of " + count_text(queue, "limit") +
                    (oldest > 0 ? ", the oldest waits for " + age_text(oldest) : ""));
  line("requests", count_text(totals, "requests") +
                       " answered: " + counts_text(object_member(totals, "responses")));
  line("failures", counts_text(object_member(totals, "failures")));
  const Json& tasks = object_member(status, "tasks");
  if (!tasks.empty()) {
    line("tasks", count_text(tasks, "waiting") + " waiting of " + count_text(tasks, "limit") +
                      ", " + count_text(tasks, "running") + " running; since the start " +
                      count_text(tasks, "finished") + " finished, " + count_text(tasks, "failed") +
                      " failed, " + count_text(tasks, "cancelled") + " cancelled");
  }
  return out;
}

std::string workers_text(const Json& workers) {
  using enum Table::Align;
  Table table({{"WORKER", kRight},
               {"PID", kRight},
               {"STATE"},
               {"GEN", kRight},
               {"AGE", kRight},
               {"SERVED", kRight},
               {"RUNNING", kRight},
               {"OLDEST", kRight},
               {"MEMORY", kRight},
               {"CPU", kRight},
               {"ENDS"},
               {"LAST END"}});
  for (const Json& worker : workers) {
    const auto rss = count_member(worker, "rss");
    const Json& last = object_member(worker, "last_exit");
    table.add({count_text(worker, "worker"), count_text(worker, "pid"),
               text_or_dash(worker, "state"), count_text(worker, "generation"),
               age_text(number_member(worker, "age_s", -1)), count_text(worker, "served"),
               count_text(worker, "in_flight"), age_text(oldest_age(worker)),
               rss ? size_text(*rss) : "-", age_text(number_member(worker, "cpu_s", -1)),
               counts_text(object_member(worker, "exits")), text_or_dash(last, "text")});
  }
  return table.empty() ? "no workers\n" : table.text();
}

std::string requests_text(const Json& workers) {
  struct Running {
    double age;
    std::size_t place;  // Among all, as they were told.
    const Json* worker;
    const Json* request;
  };
  std::vector<Running> running;
  for (const Json& worker : workers) {
    for (const Json& request : array_member(worker, "requests")) {
      running.push_back({number_member(request, "age_s"), running.size(), &worker, &request});
    }
  }
  if (running.empty()) return {};
  std::ranges::sort(running, {},
                    [](const Running& each) { return std::pair(-each.age, each.place); });
  Table table(
      {{"REQUEST"}, {"WORKER", Table::Align::kRight}, {"AGE", Table::Align::kRight}, {"STATE"}});
  for (const Running& each : running) {
    if (table.size() == kMostRequests) break;
    table.add({text_member(*each.request, "id", "(its client is gone)"),
               count_text(*each.worker, "worker"),
               age_text(number_member(*each.request, "age_s", -1)),
               bool_member(*each.request, "begun") ? "runs" : "sent"});
  }
  std::string out = "\n" + table.text();
  if (running.size() > kMostRequests) {
    out += "and " + std::to_string(running.size() - kMostRequests) + " more\n";
  }
  return out;
}

}  // namespace

std::string status_text(const Json& status) {
  const Json& workers = array_member(status, "workers");
  return header_text(status) + "\n" + workers_text(workers) + requests_text(workers);
}

std::string reasons_text(const Json& status) {
  std::string out;
  for (const Json& reason : array_member(status, "reasons")) {
    out += "not ready: " +
           escaped(text_or_dash(reason, "reason") + ": " + text_or_dash(reason, "text")) + "\n";
  }
  return out;
}

std::string quarantine_text(const Json& entries) {
  if (!entries.is_array() || entries.empty()) return "no request has ended a worker lately\n";
  using enum Table::Align;
  Table table({{"METHOD"},
               {"TARGET"},
               {"BODY", kRight},
               {"DEATHS", kRight},
               {"STATE"},
               {"FORGOTTEN IN", kRight},
               {"LAST REQUEST"}});
  for (const Json& entry : entries) {
    table.add({text_or_dash(entry, "method"), text_or_dash(entry, "target"),
               size_text(count_member(entry, "body_bytes").value_or(0)),
               count_text(entry, "deaths"),
               bool_member(entry, "isolated") ? "quarantined" : "let through",
               age_text(number_member(entry, "left_s", -1)), text_or_dash(entry, "request_id")});
  }
  return table.text();
}

std::string stacks_text(const Json& workers) {
  std::string out;
  const auto block = [&out](const std::string& text) {
    for_each_line(text, [&out](std::string_view line) {
      out += "  ";
      append_escaped(out, line);
      out += "\n";
    });
  };
  if (!workers.is_array()) return out;
  for (const Json& worker : workers) {
    if (!out.empty()) out += "\n";
    out += "worker " + count_text(worker, "worker") + ", pid " + count_text(worker, "pid") + "\n";
    const std::string threads = text_member(worker, "threads");
    block(threads.empty() ? "its threads gave no stacks" : threads);
    block(text_member(worker, "tasks"));
  }
  return out.empty() ? "no workers\n" : out;
}

}  // namespace lambdapool::supervisor
