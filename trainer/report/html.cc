#include "trainer/report/html.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/byte_text.h"
#include "base/bytes.h"

namespace slimreel {
namespace {

std::string WithThousands(double whole) {
  std::string digits = absl::StrFormat("%.0f", std::abs(whole));
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, 1, ',');
  return (whole < 0 ? "-" : "") + digits;
}

}  // namespace

std::string EscapeHtml(const std::string& text) {
  std::string escaped;
  for (const char c : TextOfBytes(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return escaped;
}

std::string DataElement(const std::string& value, const std::string& shown,
                        const std::string& key) {
  std::string element = absl::StrCat("<data value=\"", EscapeHtml(value), "\"");
  if (!key.empty()) absl::StrAppend(&element, " data-key=\"", EscapeHtml(key), "\"");
  return absl::StrCat(element, ">", EscapeHtml(shown), "</data>");
}

std::string BytesElement(int64_t bytes, const std::string& key) {
  return DataElement(absl::StrCat(bytes), FormatBytes(bytes), key);
}

std::string ShortNumber(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : value > 0 ? "inf" : "-inf";
  if (value == std::round(value) && std::abs(value) < 1e15) return WithThousands(value);
  if (std::abs(value) >= 1e4 && std::abs(value) < 1e15) return WithThousands(std::round(value));
  return absl::StrFormat("%.4g", value);
}

std::string ShortTime(double milliseconds) {
  if (milliseconds < 0.9995) return absl::StrFormat("%.3g us", 1e3 * milliseconds);
  if (milliseconds < 999.5) return absl::StrFormat("%.3g ms", milliseconds);
  const double seconds = 1e-3 * milliseconds;
  if (seconds < 99.95) return absl::StrFormat("%.3g s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 3600) return absl::StrFormat("%dm%02ds", whole / 60, whole % 60);
  return absl::StrFormat("%dh%02dm", whole / 3600, whole / 60 % 60);
}

std::string Note(const std::string& text) {
  return absl::StrCat("<p class=\"note\">", EscapeHtml(text), "</p>\n");
}

std::string Table(const std::vector<std::string>& head,
                  const std::vector<std::vector<std::string>>& rows, size_t first_number) {
  const auto row = [first_number](const std::vector<std::string>& cells, const char* tag) {
    std::string line = "<tr>";
    for (size_t n = 0; n < cells.size(); ++n) {
      absl::StrAppend(&line, "<", tag, n >= first_number ? " class=\"n\">" : ">", cells[n], "</",
                      tag, ">");
    }
    return line + "</tr>\n";
  };
  std::string table =
      absl::StrCat("<div class=\"table\"><table>\n<thead>", row(head, "th"), "</thead>\n<tbody>");
  for (const auto& cells : rows) table += row(cells, "td");
  return table + "</tbody></table></div>\n";
}

std::string Section(const std::string& id, const std::string& title, const std::string& body) {
  return absl::StrCat("<section id=\"", EscapeHtml(id), "\">\n<h2>", EscapeHtml(title), "</h2>\n",
                      body, "</section>\n");
}

}  // namespace slimreel
