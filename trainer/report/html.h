// Pieces of HTML text. Everything that comes from a file or a user passes through EscapeHtml.
//
// Threading: pure functions, safe from any thread.
#ifndef TRAINER_REPORT_HTML_H_
#define TRAINER_REPORT_HTML_H_

#include <cstdint>
#include <string>
#include <vector>

namespace slimreel {

// Text as it may stand between tags and in attributes with quotes. Bytes that are not UTF-8, and
// control characters, do not get through (base/byte_text.h shows the former as other characters).
std::string EscapeHtml(const std::string& text);

// <data value="12582912" data-key="KEY">12 MiB</data>: the exact value for programs, a rounded one
// for people. Without a key the attribute is left out. `value` is JSON text of the number.
std::string DataElement(const std::string& value, const std::string& shown,
                        const std::string& key = "");
std::string BytesElement(int64_t bytes, const std::string& key = "");

// "1,234", "0.0312", "1.2e-05": about four digits.
std::string ShortNumber(double value);
// "850 us", "12.5 ms", "3.2 s", "2m05s".
std::string ShortTime(double milliseconds);

// <p class="note">TEXT</p>; TEXT is escaped.
std::string Note(const std::string& text);

// A table in a box that scrolls by itself, so that the page never does. Cells hold HTML. Cells of
// the columns from `first_number` on are aligned to the right.
std::string Table(const std::vector<std::string>& head,
                  const std::vector<std::vector<std::string>>& rows, size_t first_number);

// <section id="ID"><h2>TITLE</h2>BODY</section>
std::string Section(const std::string& id, const std::string& title, const std::string& body);

}  // namespace slimreel

#endif  // TRAINER_REPORT_HTML_H_
