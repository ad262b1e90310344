#include "data/annotations/label_json.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace slimreel {
namespace {

using Json = nlohmann::json;

constexpr absl::string_view kAllowed =
    "; allowed are {\"a.mp4\": \"left\"}, {\"a.mp4\": {\"label\": \"left\"}} and "
    "[{\"path\": \"a.mp4\", \"label\": \"left\"}], where a label is a text, a whole number, true, "
    "false or null";

// An iterator that tells how far the parser has read. The parser's events do not tell it.
struct Position {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  reference operator*() const { return *at; }
  Position& operator++() {
    ++at;
    if (reached != nullptr) *reached = at;
    return *this;
  }
  Position operator++(int) {
    const Position before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const Position& a, const Position& b) { return a.at == b.at; }
  friend bool operator!=(const Position& a, const Position& b) { return a.at != b.at; }

  const char* at = nullptr;
  const char** reached = nullptr;
};

// Turns the parser's events into lines. A function that returns false ends the parsing.
class LabelEvents : public nlohmann::json_sax<Json> {
 public:
  LabelEvents(absl::string_view text, absl::string_view origin, LabelFile* file)
      : origin_(origin), file_(file), counted_(text.data()), reached_(text.data()) {}

  const char** reached() { return &reached_; }
  const absl::Status& status() const { return status_; }

  bool null() override { return Scalar("", true); }
  bool boolean(bool value) override { return Scalar(value ? "true" : "false", true); }
  bool number_integer(number_integer_t value) override { return Scalar(absl::StrCat(value), true); }
  bool number_unsigned(number_unsigned_t value) override {
    return Scalar(absl::StrCat(value), true);
  }
  // Some tools write 3.0 for 3, if the column had gaps.
  bool number_float(number_float_t value, const string_t& written) override {
    const bool whole = std::trunc(value) == value && std::abs(value) < 1e15;
    return Scalar(whole ? absl::StrCat(static_cast<int64_t>(value)) : written, whole);
  }
  bool string(string_t& value) override { return Scalar(value, true); }
  bool binary(binary_t&) override { return Refuse("binary data"); }

  bool start_object(std::size_t) override {
    if (depth_ == 0) in_list_ = false;
    if (depth_ == 1) BeginVideo();
    if (depth_ == 2 && IsMember()) return Refuse(absl::StrCat("its ", key_, " is an object"));
    ++depth_;
    return true;
  }
  bool end_object() override {
    --depth_;
    return depth_ != 1 || EndVideo();
  }
  bool start_array(std::size_t) override {
    if (depth_ == 0) in_list_ = true;
    if (depth_ == 1) return Refuse("a list is in the place of a label");
    if (depth_ == 2 && IsMember()) return Refuse(absl::StrCat("its ", key_, " is a list"));
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(string_t& value) override {
    if (depth_ == 1) path_ = value;
    if (depth_ == 2) key_ = value;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    const absl::string_view what = error.what();  // "[json.exception...] parse error at line 1..."
    const size_t bracket = what.find("] ");
    status_ = absl::InvalidArgumentError(
        absl::StrCat(origin_, ": this is no JSON: ",
                     what.substr(bracket == absl::string_view::npos ? 0 : bracket + 2), kAllowed));
    return false;
  }

 private:
  bool IsPathKey() const {
    return in_list_ && (key_ == "path" || key_ == "filename" || key_ == "file_name" ||
                        key_ == "file" || key_ == "video");
  }
  bool IsMember() const { return key_ == "label" || IsPathKey(); }

  bool Scalar(const std::string& value, bool is_label) {
    if (depth_ == 0) return Refuse("a single value");
    if (depth_ == 1 && in_list_) return Refuse("the elements of the list are not objects");
    if (depth_ == 1) BeginVideo();
    if (depth_ == 2 && IsPathKey()) {
      if (!path_.empty()) return Refuse("an object names two paths");
      path_ = value;
      return true;
    }
    if (depth_ > 2 || (depth_ == 2 && key_ != "label")) return true;
    if (!is_label) return Refuse(absl::StrCat(value, " is no label"));
    if (label_.has_value()) return Refuse("an object has two labels");
    label_ = value;
    return depth_ == 2 || EndVideo();
  }

  void BeginVideo() {
    if (in_list_) path_.clear();
    key_.clear();
    label_.reset();
  }

  bool EndVideo() {
    if (path_.empty()) return Refuse("an object has no path");
    if (!label_.has_value()) return Refuse("an object has no label");
    file_->texts.push_back(std::move(path_));
    const absl::string_view path = file_->texts.back();
    file_->texts.push_back(*std::move(label_));
    file_->lines.push_back({path, file_->texts.back(), Line()});
    path_.clear();
    return true;
  }

  // The parser has read one character more than its events cover.
  int Line() {
    if (reached_ - 1 > counted_) {
      line_ += static_cast<int>(std::count(counted_, reached_ - 1, '\n'));
      counted_ = reached_ - 1;
    }
    return line_;
  }

  bool Refuse(absl::string_view what) {
    const std::string video = path_.empty() ? "" : absl::StrCat("\"", path_, "\": ");
    status_ = LabelError(origin_, Line(), absl::StrCat(video, what, kAllowed));
    return false;
  }

  const absl::string_view origin_;
  LabelFile* const file_;
  const char* counted_;
  const char* reached_;
  int line_ = 1;
  int depth_ = 0;  // 1: in the outer list or object; 2: in the object of a video
  bool in_list_ = false;
  std::string path_;
  std::string key_;
  std::optional<std::string> label_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<LabelFile> ParseLabelJson(absl::string_view text, absl::string_view origin) {
  LabelFile file;
  LabelEvents events(text, origin, &file);
  const Position begin{text.data(), events.reached()};
  const Position end{text.data() + text.size(), nullptr};
  const bool whole = Json::sax_parse(begin, end, &events);
  if (!events.status().ok()) return events.status();
  if (!whole)
    return absl::InternalError(absl::StrCat(origin, ": the JSON parser stopped without an error"));
  return file;
}

bool IsLabelJson(absl::string_view text) {
  text = absl::StripLeadingAsciiWhitespace(text);
  if (!absl::StartsWith(text, "{") && !absl::StartsWith(text, "[")) return false;
  const absl::string_view rest = absl::StripLeadingAsciiWhitespace(text.substr(1));
  if (!rest.empty() && absl::string_view("\"{}[").find(rest[0]) != absl::string_view::npos) {
    return true;
  }
  return Json::accept(text.begin(), text.end());
}

}  // namespace slimreel
