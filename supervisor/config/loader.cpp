#include "supervisor/config/loader.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <system_error>
#include <utility>

#include "supervisor/config/luna_platform.h"
#include "supervisor/config/luna_settings.h"
#include "supervisor/config/read_file.h"
#include "supervisor/config/schema.h"
#include "supervisor/config/user_config.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

// Complaints about one file.
class Complaints {
 public:
  Complaints(const std::string& name, std::vector<std::string>& errors)
      : name_(name), errors_(errors) {}

  std::string at(int line) const { return name_ + ":" + std::to_string(line) + ": "; }
  void add(int line, const std::string& text) {
    if (errors_.size() < kMaxComplaints) errors_.push_back(at(std::max(line, 1)) + text);
  }

 private:
  const std::string& name_;
  std::vector<std::string>& errors_;
};

struct YamlNode {
  Setting::Shape shape = Setting::Shape::kNothing;
  int line = 0;
  std::string text;
  std::vector<YamlNode> children;  // Of a mapping: key, value, key, value.
};

// One document as a tree. It is no larger than its text, since aliases are complained of and not
// followed.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Complaints& complaints) : complaints_(complaints) {}

  YamlNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(node(mark, "", anchor, Setting::Shape::kNothing));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(node(mark, "", anchor, Setting::Shape::kText));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode scalar = node(mark, tag, anchor, Setting::Shape::kText);
    scalar.text = value;
    add(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open_.push_back(node(mark, tag, anchor, Setting::Shape::kList));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open_.push_back(node(mark, tag, anchor, Setting::Shape::kMapping));
  }
  void OnMapEnd() override { close(); }

 private:
  YamlNode node(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                Setting::Shape shape) {
    const int line = mark.line + 1;
    if (anchor != 0) complaints_.add(line, "anchors and aliases (& and *) are not supported");
    // "?" and "!" are what the parser makes of plain and quoted text without a tag.
    if (!tag.empty() && tag != "?" && tag != "!") {
      complaints_.add(line, "tags such as " + in_quotes(tag) + " are not supported");
    }
    return {shape, line, "", {}};
  }

  void add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else {
      open_.back().children.push_back(std::move(node));
    }
  }

  void close() {
    YamlNode whole = std::move(open_.back());
    open_.pop_back();
    add(std::move(whole));
  }

  Complaints& complaints_;
  std::vector<YamlNode> open_;
  YamlNode root_;
};

// Walks a tree of two levels, sections and their keys; LUNA's settings have one more.
class SettingsWalk {
 public:
  SettingsWalk(Complaints& complaints) : complaints_(complaints) {}

  std::vector<Setting> take() { return std::move(settings_); }

  void document(const YamlNode& root) {
    if (root.shape == Setting::Shape::kNothing) return;
    if (root.shape != Setting::Shape::kMapping) {
      complaints_.add(root.line, "must be a mapping of sections, such as 'server: {port: 8000}'");
      return;
    }
    each_pair(root, "", [&](const std::string& key, const YamlNode& at, const YamlNode& value) {
      if (find_section(key) == nullptr) {
        entry(key, at, value);
      } else if (value.shape == Setting::Shape::kMapping) {
        each_pair(value, key + ".",
                  [&](const std::string& path, const YamlNode& line, const YamlNode& leaf) {
                    entry(path, line, leaf);
                  });
      } else if (value.shape !=
                 Setting::Shape::kNothing) {  // A section may have all its keys commented out.
        complaints_.add(at.line, key + ": must be a mapping of keys to values, such as '" + key +
                                     ": {" + example_key(key) + "}'");
      }
    });
  }

 private:
  static std::string example_key(std::string_view section) {
    const auto key = std::ranges::find(keys(), section, &Key::section);
    return std::string(key->name()) + ": ...";
  }

  template <class Visit>
  void each_pair(const YamlNode& mapping, const std::string& prefix, Visit visit) {
    for (std::size_t i = 0; i + 1 < mapping.children.size(); i += 2) {
      const YamlNode& key = mapping.children[i];
      if (key.shape != Setting::Shape::kText || !is_printable(key.text)) {
        complaints_.add(key.line, "a key must be plain text");
        continue;
      }
      const std::string path = prefix + key.text;
      const auto [first, is_new] = lines_.emplace(path, key.line);
      if (!is_new) {
        complaints_.add(key.line, std::string(clipped(path, kMaxShown)) +
                                      ": given twice; the first one is in line " +
                                      std::to_string(first->second));
        continue;
      }
      visit(path, key, mapping.children[i + 1]);
    }
  }

  // A setting, or the members of a group of LUNA's settings.
  void entry(const std::string& path, const YamlNode& key, const YamlNode& value) {
    if (value.shape != Setting::Shape::kMapping ||
        !(is_luna_group(path) || is_platform_group(path))) {
      return setting(path, key, value);
    }
    each_pair(value, path + ".",
              [&](const std::string& member, const YamlNode& line, const YamlNode& leaf) {
                setting(member, line, leaf);
              });
  }

  void setting(const std::string& path, const YamlNode& key, const YamlNode& value) {
    settings_.push_back({complaints_.at(key.line) + std::string(clipped(path, kMaxShown)), path,
                         value.text, value.shape});
  }

  static constexpr std::size_t kMaxShown = 120;

  Complaints& complaints_;
  std::map<std::string, int> lines_;  // Where each path is given.
  std::vector<Setting> settings_;
};

// A tab may not indent, and what a parser says about one depends on where it stands.
bool complain_of_tabs(const std::string& yaml, Complaints& complaints) {
  bool found = false;
  int line = 1;
  for (std::size_t begin = 0; begin < yaml.size(); ++line) {
    const std::size_t end = std::min(yaml.find('\n', begin), yaml.size());
    const std::size_t text = std::min(yaml.find_first_not_of(" \t\r", begin), end);
    if (text < end && yaml[text] != '#' && yaml.find('\t', begin) < text) {
      complaints.add(line, "is indented with a tab; use spaces");
      found = true;
    }
    begin = end + 1;
  }
  return found;
}

// Where each key has got its value.
class Origins {
 public:
  void add(const std::vector<Setting>& settings) {
    for (const Setting& setting : settings) origins_[setting.key] = setting.origin;
  }

  // `complaint` opens with a key.
  std::string with_origin(const std::string& complaint) const {
    const std::string key = complaint.substr(0, complaint.find_first_of(": "));
    auto found = origins_.lower_bound(key);
    if (found != origins_.end() && found->first != key && !found->first.starts_with(key + ".")) {
      found = origins_.end();
    }
    if (found == origins_.end()) return complaint;
    // Most origins name the key.
    const std::string& origin = found->second;
    return found->first == key && origin.contains(key) ? origin + complaint.substr(key.size())
                                                       : origin + ": " + complaint;
  }

 private:
  std::map<std::string, std::string> origins_;
};

// Without a current folder relative paths stay as they are.
std::filesystem::path absolute(const std::filesystem::path& path) {
  std::error_code error;
  auto whole = std::filesystem::absolute(path, error);
  return error ? path : whole;
}

}  // namespace

std::vector<Setting> read_settings(const std::string& yaml, const std::string& name,
                                   std::vector<std::string>& errors) {
  Complaints complaints(name, errors);
  if (complain_of_tabs(yaml, complaints)) return {};
  SettingsWalk walk(complaints);
  try {
    std::istringstream stream(yaml);
    YAML::Parser parser(stream);
    TreeBuilder first(complaints);
    if (!parser.HandleNextDocument(first)) return {};
    const YamlNode root = first.take_root();
    TreeBuilder second(complaints);
    if (parser.HandleNextDocument(second)) {
      complaints.add(second.take_root().line, "a second document begins; only one is read");
    }
    walk.document(root);
  } catch (const YAML::DeepRecursion& error) {
    complaints.add(error.mark.line + 1, "is nested too deep");
  } catch (const YAML::Exception& error) {
    complaints.add(error.mark.line + 1, "not valid YAML: " + error.msg);
  }
  return walk.take();
}

std::expected<Config, std::vector<std::string>> load_config(const ConfigSources& sources) {
  Config config;
  std::vector<std::string> errors;
  Origins origins;
  LunaPlatform platform;
  std::vector<Setting> in_file;
  if (sources.file) {
    const auto yaml = read_config_file(*sources.file);
    config.file = absolute(*sources.file).string();
    if (yaml) {
      in_file = platform.take(read_settings(*yaml, *sources.file, errors), errors);
    } else {
      errors.push_back(*sources.file + ": " + yaml.error());
    }
  }
  const std::vector<Setting> on_command_line = platform.take(sources.sets, errors);
  const std::vector<Setting> of_luna = platform.as_own(errors);
  config.remarks = platform.remarks();
  const auto here = absolute(".");
  const auto folder = absolute(sources.file.value_or(".")).parent_path();
  for (const auto& [settings, base] : {std::pair(&sources.defaults, &here),
                                       {&of_luna, &here},
                                       {&in_file, &folder},
                                       {&on_command_line, &here}}) {
    origins.add(*settings);
    apply_settings(config, *settings, *base, errors);
  }
  if (errors.empty()) {
    check_together(config, errors);
    read_user_config(config.lambda, errors);
    for (std::string& error : errors) error = origins.with_origin(error);
  }
  if (errors.empty() && sources.lambda_path == LambdaPath::kRequired &&
      config.lambda.path.empty()) {
    errors.push_back(
        sources.file.value_or("lambda.path") +
        ": no lambda to serve; give PATH on the command line or lambda.path in the file");
  }
  if (errors.size() >= kMaxComplaints) errors.emplace_back("there is more to complain of");
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return config;
}

}  // namespace lambdapool::supervisor
