/* cli/compare_json.c: writes the comparison as the document "neap.compare/1". */
#include "cli/compare_report.h"

#include <neap/version.h>

#include "report/json.h"

static const char *const outcome_names[] = {
    [NEAP_TRIAL_DONE] = "done",
    [NEAP_TRIAL_EXITED] = "exited",
    [NEAP_TRIAL_KILLED] = "killed",
    [NEAP_TRIAL_EARLY] = "ended early",
    [NEAP_TRIAL_LOAD_FAILED] = "load failed",
    [NEAP_TRIAL_NOT_LOADED] = "library not loaded",
    [NEAP_TRIAL_INTERRUPTED] = "interrupted",
};

static const char *const kind_names[NEAP_MEMORY_KINDS] = {"rss", "pss", "private_dirty"};

static json_t *seconds(double ns) {
    return json_real(ns / 1e9);
}

static json_t *memory_json(const double *peak, const double *mean, const double *end) {
    return json_pack("{s:f, s:f, s:f}", "peak_bytes", *peak, "mean_bytes", *mean, "end_bytes", *end);
}

static json_t *trial_json(const struct neap_trial *trial) {
    json_t *object = json_pack(
        "{s:s, s:i, s:i, s:b, s:o, s:o, s:o, s:o, s:i, s:i, s:o}", "outcome", outcome_names[trial->outcome],
        "status", trial->status, "signal", trial->signal, "stopped", trial->stopped, "wall_seconds",
        seconds((double)trial->wall_ns), "cpu_seconds", seconds((double)trial->cpu_ns), "load_seconds",
        seconds((double)trial->load_ns), "sampling_seconds", seconds((double)trial->sampling_ns), "samples",
        (int)trial->series.count, "processes", (int)trial->processes, "standard_error",
        neap_json_text(trial->errors));
    for (size_t kind = 0; kind < NEAP_MEMORY_KINDS; kind++)
        json_object_set_new(object, kind_names[kind],
                            memory_json(&trial->peak[kind], &trial->mean[kind], &trial->end[kind]));
    return object;
}

/* The figures of an entry, each divided by that of `base` if there is one. */
static json_t *figures_json(const struct neap_comparison_entry *entry,
                            const struct neap_comparison_entry *base) {
    double figures[NEAP_FIGURES];
    for (enum neap_figure i = 0; i < NEAP_FIGURES; i++) {
        double by = base ? neap_comparison_figure(base, i) : 1;
        figures[i] = by > 0 ? neap_comparison_figure(entry, i) / by : 0;
    }
    double unit = base ? 1 : 1e9;
    json_t *object =
        json_pack("{s:f, s:f, s:f}", base ? "wall" : "wall_seconds", figures[NEAP_FIGURE_WALL] / unit,
                  base ? "cpu" : "cpu_seconds", figures[NEAP_FIGURE_CPU] / unit,
                  base ? "load" : "load_seconds", figures[NEAP_FIGURE_LOAD] / unit);
    for (size_t kind = 0; kind < NEAP_MEMORY_KINDS; kind++) {
        double peak = figures[NEAP_FIGURE_PEAK + kind], mean = figures[NEAP_FIGURE_MEAN + kind],
               end = figures[NEAP_FIGURE_END + kind];
        json_object_set_new(object, kind_names[kind],
                            base ? json_pack("{s:f, s:f, s:f}", "peak", peak, "mean", mean, "end", end)
                                 : memory_json(&peak, &mean, &end));
    }
    return object;
}

static json_t *series_json(const struct neap_series *series) {
    json_t *times = json_array(), *object = json_pack("{s:o}", "seconds", times);
    for (size_t i = 0; i < series->count; i++)
        json_array_append_new(times, seconds((double)series->samples[i].at_ns));
    for (size_t kind = 0; kind < NEAP_MEMORY_KINDS; kind++) {
        json_t *values = json_array();
        for (size_t i = 0; i < series->count; i++)
            json_array_append_new(values, neap_json_number(series->samples[i].bytes[kind]));
        json_object_set_new(object, kind_names[kind], values);
    }
    return object;
}

static json_t *entry_json(const struct neap_comparison_entry *entry,
                          const struct neap_comparison_entry *base) {
    bool measured = neap_comparison_has_figures(entry), has_base = neap_comparison_has_figures(base);
    json_t *runs = json_array();
    for (unsigned i = 0; i < entry->trial_count; i++)
        json_array_append_new(runs, trial_json(&entry->trials[i]));
    char reason[160] = "";
    if (entry->failure)
        neap_trial_describe(entry->failure, reason, sizeof(reason));
    else
        snprintf(reason, sizeof(reason), "%s", entry->setup.reason);
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "name", entry->allocator->name, "title",
                     entry->allocator->title, "state",
                     measured         ? "measured"
                     : entry->failure ? "failed"
                                      : "skipped",
                     "reason", reason[0] ? neap_json_text(reason) : json_null(), "medians",
                     measured ? figures_json(entry, NULL) : json_null(), "ratios",
                     measured && has_base ? figures_json(entry, base) : json_null(), "runs", runs, "series",
                     measured ? series_json(&neap_comparison_typical(entry)->series) : json_null());
}

int cli_compare_json(const struct cli_compare_report *report, FILE *out) {
    const struct neap_trial_plan *plan = report->plan;
    const struct neap_comparison *comparison = report->comparison;
    json_t *document = neap_json_document("neap.compare/1");
    json_t *command = json_array(), *allocators = json_array();
    for (char *const *word = plan->command; *word; word++)
        json_array_append_new(command, neap_json_text(*word));
    for (size_t i = 0; i < comparison->entry_count; i++)
        json_array_append_new(allocators, entry_json(&comparison->entries[i], &comparison->entries[0]));
    json_object_set_new(document, "neap", json_string(NEAP_VERSION));
    json_object_set_new(document, "command", command);
    json_object_set_new(document, "rounds", json_integer(comparison->rounds));
    json_object_set_new(document, "interval_seconds", seconds((double)plan->interval_ns));
    json_object_set_new(document, "for_seconds", plan->for_ns ? seconds((double)plan->for_ns) : json_null());
    json_object_set_new(document, "load", plan->load ? neap_json_text(plan->load) : json_null());
    json_object_set_new(document, "idle_seconds", plan->load ? seconds((double)plan->idle_ns) : json_null());
    json_object_set_new(document, "baseline", json_string(comparison->entries[0].allocator->name));
    json_object_set_new(document, "allocators", allocators);
    return neap_json_print(document, out);
}
