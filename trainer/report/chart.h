// Charts as inline SVG and HTML. The SVG is stretched to the width of the page; labels are HTML, so
// they keep their size on a phone.
//
// Threading: pure functions, safe from any thread.
#ifndef TRAINER_REPORT_CHART_H_
#define TRAINER_REPORT_CHART_H_

#include <cstdint>
#include <string>
#include <vector>

namespace slimreel {

enum class Unit { kNumber, kBytes, kMilliseconds };

// "12 MiB", "3.2 s", "0.031".
std::string ShowValue(double value, Unit unit);

// Round numbers from `low` to at least `high`, about five of them: powers of two of bytes, else 1,
// 2 or 5 times a power of ten. low < high.
std::vector<double> RoundTicks(double low, double high, Unit unit);

// A layer of a stack. It is constant from each x to the next one.
struct Layer {
  std::string label;
  std::string color;      // a class of the style sheet
  std::vector<double> y;  // one per Chart::layer_x
};

struct Line {
  std::string label;
  std::string color;
  std::vector<double> x, y;  // NaN: a gap
  bool dots = false;         // a mark at each point, no line
};

// A level across the whole chart, such as the budget. If it is far above everything else, only the
// legend names it.
struct Rule {
  std::string label;
  std::string color;
  double y = 0.0;
};

// A box in the band below the chart.
struct Span {
  double begin = 0.0, end = 0.0;
  std::string color;
  std::string title;
};

struct Chart {
  std::string id = {};
  std::string title = {};
  std::string x_label = {};  // "step"
  Unit x_unit = Unit::kNumber;
  Unit y_unit = Unit::kNumber;
  bool from_zero = true;
  std::vector<double> layer_x = {};  // ascending
  double layer_end = 0.0;            // where the last value of the layers ends
  std::vector<Layer> layers = {};    // the lowest first
  std::vector<Line> lines = {};
  std::vector<Rule> rules = {};
  std::vector<Span> spans = {};
};

// A <figure>. Its data-top is the highest value of the layers and lines, data-y-max the value at
// the upper edge.
std::string DrawChart(const Chart& chart);

struct Bar {
  std::string label;
  std::vector<std::pair<std::string, double>> parts;  // color, value
  std::string value;                                  // HTML, right of the bar
};
// Horizontal bars on one scale. `legend`: color and meaning of the parts.
std::string DrawBars(const std::vector<Bar>& bars,
                     const std::vector<std::pair<std::string, std::string>>& legend);

}  // namespace slimreel

#endif  // TRAINER_REPORT_CHART_H_
