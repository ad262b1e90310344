// The style sheet of the report page: one column, readable on a phone, light and dark.
#ifndef TRAINER_REPORT_PAGE_STYLE_H_
#define TRAINER_REPORT_PAGE_STYLE_H_

namespace slimreel {

inline constexpr char kPageStyle[] = R"css(
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#5b6470;--line:#d9dee4;--card:#f5f7f9;
--budget:#c62828;--peak:#1b1f24}
@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e9ec;--soft:#9aa4af;--line:#333a42;
--card:#1d2125;--budget:#ff7b72;--peak:#e6e9ec}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.45 system-ui,sans-serif;
-webkit-text-size-adjust:100%}
main,header{max-width:1100px;margin:0 auto;padding:0 16px}
header{padding-top:20px}
h1{font-size:1.5rem;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:36px 0 8px;border-top:1px solid var(--line);padding-top:16px}
h3{font-size:1rem;margin:20px 0 8px}
p{margin:4px 0 10px;overflow-wrap:anywhere}
.note,small,.sub{color:var(--soft)}
.note{font-size:.9rem}
.state{display:inline-block;padding:1px 10px;border-radius:10px;border:1px solid currentColor;
font-size:.85rem;margin-right:6px}
.state.bad{color:var(--budget)}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:10px;
margin:16px 0}
.tile{background:var(--card);border-radius:8px;padding:10px 12px;min-width:0}
.tile span{display:block;color:var(--soft);font-size:.85rem}
.tile data,.tile b{display:block;font-size:1.25rem;font-weight:600;overflow-wrap:anywhere}
.tile small{display:block;overflow-wrap:anywhere}
.tile small data{display:inline;font:inherit}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:0 28px}
figure{margin:18px 0}
figcaption{font-weight:600;margin-bottom:2px}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:.85rem;color:var(--soft);
margin:4px 0 8px}
.key{white-space:nowrap}
.key i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:5px;
vertical-align:-1px;background:var(--c)}
.key i.stroke{height:3px;vertical-align:4px;border-radius:0}
.key i.dot{border-radius:50%}
.chart{position:relative;padding-left:74px}
.y{position:absolute;left:0;top:0;width:68px;height:230px}
.y span{position:absolute;right:0;transform:translateY(-50%);font-size:.75rem;color:var(--soft);
white-space:nowrap}
.plot{display:block;width:100%;height:230px;overflow:visible}
.band{display:block;width:100%;height:16px;margin-top:4px}
.x{display:flex;justify-content:space-between;font-size:.75rem;color:var(--soft);margin-top:3px}
.grid{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
.area{fill:var(--c)}
.line,.rule,.dots{fill:none;stroke:var(--c);stroke-width:2;vector-effect:non-scaling-stroke;
stroke-linejoin:round}
.line,.dots{stroke-linecap:round}
.dots{stroke-width:7}
.rule{stroke-dasharray:6 4}
.band rect{fill:var(--c)}
.bars{display:grid;grid-template-columns:minmax(70px,max-content) 1fr max-content;gap:5px 10px;
align-items:center;font-size:.9rem}
.bars .name{max-width:38vw;overflow-wrap:anywhere}
.track{display:flex;height:14px;background:var(--card);border-radius:3px;overflow:hidden}
.track i{background:var(--c);height:100%}
.n{text-align:right;font-variant-numeric:tabular-nums}
.table{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem}
th,td{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid var(--line);
vertical-align:top;overflow-wrap:break-word}
th.n,td.n{text-align:right}
th{color:var(--soft);font-weight:600}
summary{cursor:pointer;padding:6px 0}
footer{max-width:1100px;margin:30px auto;padding:0 16px;color:var(--soft);font-size:.85rem}
.t-parameters,.c1,.k-forward{--c:#4269d0}
.t-gradients,.c2,.k-recompute{--c:#efb118}
.t-optimizer,.c3,.k-update{--c:#ff725c}
.t-activations,.c4,.k-backward{--c:#3ca98f}
.t-input,.c5{--c:#a463f2}
.t-other,.c6,.k-prefix{--c:#8b929a}
.t-unknown{--c:#97bbf5}
.c-budget{--c:var(--budget)}
.c-peak{--c:var(--peak)}
.c-live{--c:#3ca98f}
.c-reserved{--c:#8b929a}
.c-predicted{--c:#97bbf5}
)css";

}  // namespace slimreel

#endif  // TRAINER_REPORT_PAGE_STYLE_H_
