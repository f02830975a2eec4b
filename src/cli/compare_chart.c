/* cli/compare_chart.c: makes the lines of the charts from series of samples. */
#include "cli/compare_chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "base/units.h"

enum { STEPS_MAX = 600 };

static const char *const kind_names[NEAP_MEMORY_KINDS] = {"RSS", "Pss", "Private_Dirty"};

/* Colours that people who see few colours can tell apart, on white and on black. */
static const char *colour_of(const char *allocator) {
    static const struct {
        const char *allocator, *colour;
    } colours[] = {
        {"cpython", "#d1495b"},      {"neap", "#0077c8"},     {"glibc", "#8a8f98"},
        {"mimalloc", "#a05eb5"},     {"jemalloc", "#c98a00"}, {"tcmalloc", "#1b9e77"},
        {"mimalloc-own", "#7a6a53"},
    };
    for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
        if (strcmp(colours[i].allocator, allocator) == 0)
            return colours[i].colour;
    return "#8a8f98";
}

/* An allocator and the series of its typical run. */
struct drawn {
    const struct neap_allocator_choice *allocator;
    const struct neap_series *series;
};

struct drawing {
    struct drawn *drawn; /* the entries that were measured */
    size_t count;
    uint64_t longest_ns; /* the duration of the longest series */
    double most;         /* the highest RSS of all series, in bytes */
};

/* Fills drawing->drawn, which has room for all entries, and the other members. */
static void drawing_fill(const struct neap_comparison *comparison, struct drawing *drawing) {
    for (size_t i = 0; i < comparison->entry_count; i++) {
        const struct neap_comparison_entry *entry = &comparison->entries[i];
        if (!neap_comparison_has_figures(entry))
            continue;
        const struct neap_series *series = &neap_comparison_typical(entry)->series;
        if (series->count == 0)
            continue;
        uint64_t last_ns = series->samples[series->count - 1].at_ns;
        drawing->longest_ns = last_ns > drawing->longest_ns ? last_ns : drawing->longest_ns;
        drawing->most = fmax(drawing->most, neap_series_peak(series, NEAP_MEMORY_RSS));
        drawing->drawn[drawing->count++] = (struct drawn){entry->allocator, series};
    }
}

static void line_fill(const struct drawn *drawn, enum neap_memory_kind kind, const struct neap_chart *chart,
                      uint64_t step_ns, struct neap_unit unit, char *label, double *values,
                      struct neap_chart_line *line) {
    char end[NEAP_UNITS_ROOM];
    const char *name = drawn->allocator->name;
    neap_series_steps(drawn->series, kind, step_ns, values, chart->count);
    for (size_t i = 0; i < chart->count; i++)
        values[i] /= unit.bytes;
    snprintf(label, CLI_COMPARE_LABEL_ROOM, "%s %s", name,
             neap_units_bytes(end, (uint64_t)neap_series_end(drawn->series, kind)));
    *line = (struct neap_chart_line){name, label, colour_of(name), drawn->allocator->by_run, values};
}

static void chart_fill(const struct drawing *drawing, struct cli_compare_charts *charts,
                       enum neap_memory_kind kind, uint64_t step_ns, struct neap_unit unit) {
    struct neap_chart *chart = &charts->charts[kind];
    for (size_t i = 0; i < drawing->count; i++) {
        size_t at = (size_t)kind * drawing->count + i;
        line_fill(&drawing->drawn[i], kind, chart, step_ns, unit,
                  charts->labels + at * CLI_COMPARE_LABEL_ROOM, charts->values + at * chart->count,
                  &charts->lines[at]);
    }
}

static int charts_fill(const struct cli_compare_report *report, const struct drawing *drawing,
                       struct cli_compare_charts *charts) {
    uint64_t step_ns = drawing->longest_ns / STEPS_MAX + 1;
    if (step_ns < report->plan->interval_ns)
        step_ns = report->plan->interval_ns;
    size_t count = (size_t)(drawing->longest_ns / step_ns) + 1, lines = NEAP_MEMORY_KINDS * drawing->count;
    struct neap_unit unit = neap_units_pick((uint64_t)drawing->most);
    snprintf(charts->title, sizeof(charts->title), "%.100s%s", report->command,
             strlen(report->command) > 100 ? " ..." : "");
    snprintf(charts->note, sizeof(charts->note),
             "Resident memory over time; at its end, how much each allocator keeps");
    charts->labels = calloc(lines + 1, CLI_COMPARE_LABEL_ROOM);
    charts->values = calloc(lines * count + 1, sizeof(*charts->values));
    charts->lines = calloc(lines + 1, sizeof(*charts->lines));
    if (!charts->labels || !charts->values || !charts->lines) {
        cli_compare_charts_clear(charts);
        return NEAP_ERROR_MEMORY;
    }
    for (enum neap_memory_kind kind = 0; kind < NEAP_MEMORY_KINDS; kind++) {
        charts->charts[kind] = (struct neap_chart){
            .name = kind_names[kind],
            .title = charts->title,
            .note = charts->note,
            .x_title = "seconds",
            .y_title = unit.name,
            .x_step = (double)step_ns / 1e9,
            .count = count,
            .lines = charts->lines + (size_t)kind * drawing->count,
            .line_count = drawing->count,
        };
        chart_fill(drawing, charts, kind, step_ns, unit);
    }
    return NEAP_OK;
}

int cli_compare_charts_make(const struct cli_compare_report *report, struct cli_compare_charts *charts) {
    struct drawing drawing = {.drawn = calloc(report->comparison->entry_count + 1, sizeof(struct drawn))};
    *charts = (struct cli_compare_charts){0};
    if (!drawing.drawn)
        return NEAP_ERROR_MEMORY;
    drawing_fill(report->comparison, &drawing);
    charts->line_count = drawing.count;
    int error = charts_fill(report, &drawing, charts);
    free(drawing.drawn);
    return error;
}

void cli_compare_charts_clear(struct cli_compare_charts *charts) {
    free(charts->labels);
    free(charts->values);
    free(charts->lines);
    *charts = (struct cli_compare_charts){0};
}
