#include "trainer/report/chart.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "trainer/report/html.h"

namespace slimreel {
namespace {

constexpr double kWidth = 1000.0;  // of the SVG's own coordinates; the page stretches them
constexpr double kHeight = 300.0;
constexpr double kBand = 20.0;
constexpr double kFarAbove = 3.0;  // a rule above this multiple of the rest is not drawn

// "12.3", without trailing zeros: short, because a page has thousands of them.
std::string Short(double value) {
  std::string text = absl::StrFormat("%.1f", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void Add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

std::vector<double> Totals(const Chart& chart) {
  std::vector<double> totals(chart.layer_x.size(), 0.0);
  for (const Layer& layer : chart.layers) {
    for (size_t n = 0; n < totals.size(); ++n) totals[n] += layer.y[n];
  }
  return totals;
}

struct Scale {
  Range x;
  std::vector<double> ticks;
  double low = 0.0, high = 1.0;  // of y
  double top = 0.0;              // highest value of layers and lines
  double X(double value) const { return kWidth * (value - x.low) / (x.high - x.low); }
  double Y(double value) const { return kHeight * (high - value) / (high - low); }
};

Scale FitScale(const Chart& chart) {
  Scale scale;
  Range y;
  for (double total : Totals(chart)) y.Add(total);
  for (double at : chart.layer_x) scale.x.Add(at);
  if (!chart.layer_x.empty()) scale.x.Add(chart.layer_end);
  for (const Line& line : chart.lines) {
    for (double at : line.x) scale.x.Add(at);
    for (double value : line.y) y.Add(value);
  }
  for (const Span& span : chart.spans) {
    scale.x.Add(span.begin);
    scale.x.Add(span.end);
  }
  if (scale.x.empty()) scale.x = {0.0, 1.0};
  if (scale.x.low == scale.x.high) scale.x = {scale.x.low - 1.0, scale.x.high + 1.0};
  if (y.empty()) y = {0.0, 1.0};
  scale.top = y.high;
  for (const Rule& rule : chart.rules) {
    if (rule.y <= kFarAbove * scale.top) y.Add(rule.y);
  }
  if (chart.from_zero) y.Add(0.0);
  if (y.low == y.high) y = {y.low - 0.5, y.high + 0.5};
  scale.ticks = RoundTicks(y.low, y.high, chart.y_unit);
  scale.low = std::min(y.low, scale.ticks.front());
  scale.high = std::max(y.high, scale.ticks.back());
  return scale;
}

// The area below the sum of the layers up to this one. The higher ones are drawn first, so that
// each layer covers what is not its own.
std::string AreaPath(const Chart& chart, const std::vector<double>& sums, const Scale& scale) {
  std::string path = absl::StrCat("M", Short(scale.X(chart.layer_x[0])), " ", Short(kHeight));
  std::string last_y;
  for (size_t n = 0; n < sums.size(); ++n) {
    std::string y = Short(scale.Y(sums[n]));
    if (y == last_y) continue;
    absl::StrAppend(&path, "H", Short(scale.X(chart.layer_x[n])), "V", y);
    last_y = std::move(y);
  }
  return absl::StrCat(path, "H", Short(scale.X(chart.layer_end)), "V", Short(kHeight), "Z");
}

std::string DrawLayers(const Chart& chart, const Scale& scale) {
  std::vector<std::string> paths;
  std::vector<double> sums(chart.layer_x.size(), 0.0);
  for (const Layer& layer : chart.layers) {
    for (size_t n = 0; n < sums.size(); ++n) sums[n] += layer.y[n];
    paths.push_back(absl::StrCat("<path class=\"area ", layer.color, "\" d=\"",
                                 AreaPath(chart, sums, scale), "\"/>"));
  }
  std::string svg;
  for (auto path = paths.rbegin(); path != paths.rend(); ++path) svg += *path;
  return svg;
}

std::string DrawLine(const Line& line, const Scale& scale) {
  std::string path;
  bool pen_down = false;
  for (size_t n = 0; n < line.x.size(); ++n) {
    if (!std::isfinite(line.y[n])) {
      pen_down = false;
      continue;
    }
    const std::string at = absl::StrCat(Short(scale.X(line.x[n])), " ", Short(scale.Y(line.y[n])));
    // A line of no length with round ends is a dot.
    const bool alone = !pen_down && (n + 1 == line.x.size() || !std::isfinite(line.y[n + 1]));
    absl::StrAppend(&path, line.dots || !pen_down ? "M" : "L", at);
    if (line.dots || alone) path += "h0";
    pen_down = true;
  }
  return absl::StrCat("<path class=\"", line.dots ? "dots " : "line ", line.color, "\" d=\"", path,
                      "\"/>");
}

std::string DrawBand(const Chart& chart, const Scale& scale) {
  if (chart.spans.empty()) return "";
  std::string svg = absl::StrCat("<svg class=\"band\" viewBox=\"0 0 ", kWidth, " ", kBand,
                                 "\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
  for (const Span& span : chart.spans) {
    absl::StrAppend(&svg, "<rect class=\"", span.color, "\" x=\"", Short(scale.X(span.begin)),
                    "\" width=\"", Short(scale.X(span.end) - scale.X(span.begin)), "\" height=\"",
                    kBand, "\"><title>", EscapeHtml(span.title), "</title></rect>");
  }
  return svg + "</svg>";
}

std::string LegendEntry(const std::string& color, const std::string& label, const char* mark) {
  return absl::StrCat("<span class=\"key\"><i class=\"", mark, " ", color, "\"></i>",
                      EscapeHtml(label), "</span> ");
}

std::string Legend(const Chart& chart, const Scale& scale) {
  std::string legend;
  for (const Layer& layer : chart.layers) legend += LegendEntry(layer.color, layer.label, "fill");
  for (const Line& line : chart.lines) {
    legend += LegendEntry(line.color, line.label, line.dots ? "dot" : "stroke");
  }
  for (const Rule& rule : chart.rules) {
    const std::string value =
        absl::StrCat(rule.label, " ", ShowValue(rule.y, chart.y_unit),
                     rule.y > kFarAbove * scale.top ? " (above this chart)" : "");
    legend += LegendEntry(rule.color, value, "stroke");
  }
  return absl::StrCat("<div class=\"legend\">", legend, "</div>");
}

std::string YLabels(const Chart& chart, const Scale& scale) {
  std::string labels;
  for (double tick : scale.ticks) {
    absl::StrAppend(&labels, "<span style=\"top:", Short(scale.Y(tick) * 100.0 / kHeight), "%\">",
                    EscapeHtml(ShowValue(tick, chart.y_unit)), "</span>");
  }
  return absl::StrCat("<div class=\"y\" aria-hidden=\"true\">", labels, "</div>");
}

std::string XLabels(const Chart& chart, const Scale& scale) {
  const double middle = 0.5 * (scale.x.low + scale.x.high);
  const bool whole = chart.x_unit == Unit::kNumber;
  const auto show = [&](double x) {
    return EscapeHtml(ShowValue(whole ? std::round(x) : x, chart.x_unit));
  };
  return absl::StrCat("<div class=\"x\"><span>", show(scale.x.low), "</span><span>",
                      EscapeHtml(chart.x_label), whole ? "" : absl::StrCat(" ", show(middle)),
                      "</span><span>", show(scale.x.high), "</span></div>");
}

std::string DrawPlot(const Chart& chart, const Scale& scale) {
  std::string svg = absl::StrCat("<svg class=\"plot\" viewBox=\"0 0 ", kWidth, " ", kHeight,
                                 "\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"",
                                 EscapeHtml(chart.title), "; highest value ",
                                 EscapeHtml(ShowValue(scale.top, chart.y_unit)), "\">");
  for (double tick : scale.ticks) {
    absl::StrAppend(&svg, "<path class=\"grid\" d=\"M0 ", Short(scale.Y(tick)), "H", kWidth,
                    "\"/>");
  }
  if (!chart.layer_x.empty()) svg += DrawLayers(chart, scale);
  for (const Line& line : chart.lines) svg += DrawLine(line, scale);
  for (const Rule& rule : chart.rules) {
    if (rule.y > kFarAbove * scale.top) continue;
    absl::StrAppend(&svg, "<path class=\"rule ", rule.color, "\" d=\"M0 ", Short(scale.Y(rule.y)),
                    "H", kWidth, "\"/>");
  }
  return svg + "</svg>";
}

}  // namespace

std::string ShowValue(double value, Unit unit) {
  switch (unit) {
    case Unit::kBytes:
      return FormatBytes(std::llround(value));
    case Unit::kMilliseconds:
      return value == 0.0 ? "0" : ShortTime(value);
    case Unit::kNumber:
      return ShortNumber(value);
  }
  return "";
}

std::vector<double> RoundTicks(double low, double high, Unit unit) {
  constexpr double kIntervals = 4.0;
  const double wanted = (high - low) / kIntervals;
  double step = 0.0;
  if (unit == Unit::kBytes) {
    step = std::exp2(std::round(std::log2(std::max(1.0, wanted))));
  } else {
    const double power = std::pow(10.0, std::floor(std::log10(wanted)));
    const double digit = wanted / power;
    step = power * (digit < 1.5 ? 1.0 : digit < 3.5 ? 2.0 : digit < 7.5 ? 5.0 : 10.0);
  }
  std::vector<double> ticks;
  const auto first = static_cast<int64_t>(std::floor(low / step + 1e-9));
  const auto last = static_cast<int64_t>(std::ceil(high / step - 1e-9));
  for (int64_t n = first; n <= last; ++n) ticks.push_back(step * static_cast<double>(n));
  return ticks;
}

std::string DrawChart(const Chart& chart) {
  const Scale scale = FitScale(chart);
  return absl::StrCat(
      "<figure id=\"", EscapeHtml(chart.id), "\" data-top=\"", absl::StrFormat("%.17g", scale.top),
      "\" data-y-max=\"", absl::StrFormat("%.17g", scale.high), "\" data-y-min=\"",
      absl::StrFormat("%.17g", scale.low), "\">\n<figcaption>", EscapeHtml(chart.title),
      "</figcaption>\n", Legend(chart, scale), "\n<div class=\"chart\">", YLabels(chart, scale),
      "<div class=\"area-box\">", DrawPlot(chart, scale), DrawBand(chart, scale),
      XLabels(chart, scale), "</div></div>\n</figure>\n");
}

std::string DrawBars(const std::vector<Bar>& bars,
                     const std::vector<std::pair<std::string, std::string>>& legend) {
  double longest = 0.0;
  for (const Bar& bar : bars) {
    double sum = 0.0;
    for (const auto& [color, value] : bar.parts) sum += value;
    longest = std::max(longest, sum);
  }
  std::string html;
  for (const auto& [color, label] : legend) html += LegendEntry(color, label, "fill");
  if (!html.empty()) html = absl::StrCat("<div class=\"legend\">", html, "</div>\n");
  html += "<div class=\"bars\">\n";
  for (const Bar& bar : bars) {
    absl::StrAppend(&html, "<span class=\"name\">", EscapeHtml(bar.label),
                    "</span><span class=\"track\">");
    for (const auto& [color, value] : bar.parts) {
      const double percent = longest > 0.0 ? 100.0 * value / longest : 0.0;
      absl::StrAppend(&html, "<i class=\"fill ", color,
                      "\" style=\"width:", absl::StrFormat("%.2f", percent), "%\"></i>");
    }
    absl::StrAppend(&html, "</span><span class=\"n\">", bar.value, "</span>\n");
  }
  return html + "</div>\n";
}

}  // namespace slimreel
