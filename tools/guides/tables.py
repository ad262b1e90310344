"""The tables of the guides, made from figures.json. A cell is a text, or a pair (English, Chinese)."""

MIB = 1 << 20
MEANS = {
    "keep": ("keep everything", "全部保留"),
    "lean": ("lean stages", "精简阶段"),
    "checkpoint": ("every stage checkpointed", "每个阶段都做检查点"),
    "split": ("split, one sample at a time", "拆分，每次一个样本"),
    "split_checkpoint": ("split and checkpointed", "拆分并做检查点"),
}
BUDGETS = {"plain": ("no budget", "不设预算"), "half": ("half way", "中间值"),
           "smallest": ("smallest budget", "最小预算")}
CHANGING = {
    "plain": ("plain, float32, AdamW", "基准：float32，AdamW"),
    "bf16": "`trainer.precision=bf16`",
    "fp16": "`trainer.precision=16`",
    "frames": ("`data.num_frames=8` in place of 16", "`data.num_frames=8`（原为 16）"),
    "images": ("`data.img_size=64` in place of 112", "`data.img_size=64`（原为 112）"),
    "sgd": "`train.optimizer=sgd`",
}
CHANGE_KEYS = ("bf16", "fp16", "frames", "images", "sgd")
TIERS = ("tier_a_8gb", "tier_b_6gb", "tier_c_4gb", "medium", "memory_optimized")


def size(count):
    """Bytes for people: MiB below 10 GiB."""
    return f"{count / MIB:.0f} MiB" if count < 10 << 30 else f"{count / (1 << 30):.1f} GiB"


def times(ratio):
    return f"x {ratio:.2f}"


def percent(share):
    return f"{100 * share:.2g} %" if share else "0 %"


def machine(figures, section):
    made = figures[section]["machine"]
    units = (" with AVX-512", "，支持 AVX-512") if made["avx512"] else ("", "")
    threads = f"{made['threads']} thread" + ("" if made["threads"] == 1 else "s")
    return (f"Measured on {made['date']}, {made['cores']} CPU cores{units[0]}, {threads}.",
            f"测量于 {made['date']}，{made['cores']} 个 CPU 核心{units[1]}，{made['threads']} 个线程。")


def of(figures, section):
    return figures[section]["figures"]


def means(figures):
    head = [("model", "模型"), ("means", "手段"), ("peak", "峰值"), ("peak, ratio", "峰值之比"),
            ("activations, ratio", "激活之比"), ("time, ratio", "时间之比")]
    rows = [[f"`{model}`", label, size(row["peak_bytes"]), times(row["peak"]), times(row["activations"]),
             times(row["time"])]
            for model, found in of(figures, "means").items() for name, label in MEANS.items()
            for row in [found[name]]]
    return head, rows


def budgets(figures):
    head = [("model", "模型"), ("budget", "预算"), "`memory.budget`", ("peak", "峰值"),
            ("time, ratio", "时间之比"), ("retries", "重试次数")]
    rows = [[f"`{model}`", label, size(row["budget_bytes"]), size(row["peak_bytes"]), times(row["time"]),
             str(row["oom_retries"])]
            for model, found in of(figures, "budgets").items() for name, label in BUDGETS.items()
            for row in [found[name]]]
    return head, rows


def changing(figures):
    head = [("setting", "设置"), ("peak", "峰值"), ("peak, ratio", "峰值之比"), ("time, ratio", "时间之比")]
    found = of(figures, "changing")
    return head, [[label, size(found[name]["peak_bytes"]), times(found[name]["peak"]), times(found[name]["time"])]
                  for name, label in CHANGING.items()]


def inference(figures):
    head = ["`data.eval_batch_size`", ("peak of training steps", "训练步的峰值"),
            ("peak of the evaluation", "评估的峰值"), ("loss of the evaluation", "评估的损失")]
    return head, [[str(row["eval_batch"]), size(row["train"]), size(row["evaluate"]), f"{row['loss']:.6f}"]
                  for row in of(figures, "inference")]


def release(figures):
    rows = {}
    for row in of(figures, "release"):
        rows.setdefault(row["model"], {})[row["means"]] = row
    head = [("model", "模型"), ("plain", "基准"), ("release", "释放梯度"), ("paged state", "优化器状态换页"),
            ("both", "两者"), ("same bits", "逐位相同")]
    return head, [[f"`{model}`", size(found["release"]["plain_peak_bytes"]),
                   *(times(found[name]["peak_ratio"]) for name in ("release", "page", "release,page")),
                   ("yes", "是") if all(row["same_bits"] for row in found.values()) else ("no", "否")]
                  for model, found in rows.items()]


def prediction(figures):
    head = [("model", "模型"), ("configurations", "配置数"), ("peak: median error", "峰值：误差中位数"),
            ("peak: worst error", "峰值：最大误差"), ("below what was measured", "低于实测的次数"),
            ("time: median error", "时间：误差中位数")]
    return head, [[f"`{row['model']}`", str(row["configs"]), percent(row["median_error"]),
                   percent(row["worst_error"]), str(row["below"]), percent(row["time_error"])]
                  for row in of(figures, "prediction")]


def tiers(figures):
    head = [("file", "文件"), ("card", "显卡"), ("device budget", "设备预算"),
            ("peak on the card (estimated)", "显卡上的峰值（估计）"), ("host budget", "主机预算"),
            ("peak here", "本机峰值"), ("resident set here", "本机常驻内存"), ("retries", "重试次数")]
    return head, [tier_cells(figures[name]["figures"]) if name in figures else
                  [f"`configs/{name}.yaml`", ("not measured yet", "尚未测量"), *[""] * 6] for name in TIERS]


def tier_cells(row):
    return [f"`configs/{row['config']}.yaml`", f"`{row['card']}`", size(row["card_budget_bytes"]),
            size(row["card_peak_bytes"]), size(row["host_budget_bytes"]), size(row["device_bytes"]),
            size(row["host_bytes"]), (f"{row['oom_retries']} in {row['steps']} steps",
                                      f"{row['steps']} 步中 {row['oom_retries']} 次")]


def cards(figures):
    found = of(figures, "cards")
    names = list(found[0]["cards"])
    head = [("job, 8 samples a step", "任务，每步 8 个样本"), ("plain step", "普通训练步"),
            ("smallest budget", "最小预算"), *(f"`{name}`" for name in names)]

    def cell(plan):
        if plan is None:
            return ("nothing fits", "放不下")
        return (f"{size(plan['peak_bytes'])}, micro-batch {plan['micro_batch']}",
                f"{size(plan['peak_bytes'])}，微批 {plan['micro_batch']}")
    return head, [[row["job"], size(row["plain_bytes"]), size(row["smallest_budget_bytes"]),
                   *(cell(row["cards"][name]) for name in names)] for row in found]


def savings(figures):
    """For the page of troubles: what each change saves of one job, largest first."""
    plain = of(figures, "means")["video_vit_small"]
    rows = [(MEANS[name], ("nothing", "无"), plain[name]) for name in MEANS if name != "keep"]
    rows += [(CHANGING[name], ("yes", "有"), of(figures, "changing")[name]) for name in CHANGE_KEYS]
    head = [("change", "改动"), ("changes the result", "对结果的影响"), ("peak", "峰值"),
            ("peak, ratio", "峰值之比"), ("time, ratio", "时间之比")]
    rows.sort(key=lambda row: row[2]["peak"])
    return head, [[label, changes, size(row["peak_bytes"]), times(row["peak"]), times(row["time"])]
                  for label, changes, row in rows]


TABLES = {function.__name__: function
          for function in (means, budgets, changing, inference, release, prediction, tiers, cards, savings)}
SOURCES = {"tiers": "medium", "savings": "means"}  # the section whose machine a table names, if not its own


def text(cell, language):
    return cell if isinstance(cell, str) else cell[language]


def markdown(name, figures, language):
    """The table `name` as Markdown. Language 0: English, 1: Chinese."""
    head, rows = TABLES[name](figures)
    lines = ["| " + " | ".join(text(cell, language) for cell in head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(text(cell, language) for cell in row) + " |" for row in rows]
    lines += ["", text(machine(figures, SOURCES.get(name, name)), language)]
    return "\n".join(lines)
