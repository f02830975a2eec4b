/* cli/compare_report.c: prints the comparison on the terminal and on a page. */
#include "cli/compare_report.h"

#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "base/units.h"
#include "cli/compare_chart.h"
#include "report/page.h"
#include "report/table.h"

enum { COLUMNS = 11, TITLE_ROOM = 24, ERRORS_LINES = 4 };

/* What a table shows: five figures, each with its ratio. */
struct view {
    enum neap_figure figures[5];
    double scales[5]; /* nanoseconds or bytes in one unit of the column */
    char titles[5][TITLE_ROOM];
    struct neap_table_column columns[COLUMNS];
};

static const struct neap_comparison_entry *entry_at(const struct cli_compare_report *report, size_t i) {
    return &report->comparison->entries[i];
}

static double largest_peak(const struct cli_compare_report *report, enum neap_memory_kind kind) {
    double most = 0;
    for (size_t i = 0; i < report->comparison->entry_count; i++) {
        const struct neap_comparison_entry *entry = entry_at(report, i);
        double peak = 0;
        if (neap_comparison_has_figures(entry))
            peak = neap_comparison_figure(entry, NEAP_FIGURE_PEAK + kind);
        most = peak > most ? peak : most;
    }
    return most;
}

/* Times are in seconds. All columns of memory have the same unit. */
static void view_make(const struct cli_compare_report *report, enum neap_memory_kind kind,
                      struct view *view) {
    static const char *const words[] = {"wall s", "CPU s", "peak", "mean", "end"};
    struct neap_unit unit = neap_units_pick((uint64_t)largest_peak(report, kind));
    *view = (struct view){
        .figures = {report->plan->load ? NEAP_FIGURE_LOAD : NEAP_FIGURE_WALL, NEAP_FIGURE_CPU,
                    NEAP_FIGURE_PEAK + kind, NEAP_FIGURE_MEAN + kind, NEAP_FIGURE_END + kind},
        .scales = {1e9, 1e9, unit.bytes, unit.bytes, unit.bytes},
    };
    view->columns[0] = (struct neap_table_column){.title = "allocator", .left = true};
    for (size_t i = 0; i < 5; i++) {
        const char *word = i == 0 && report->plan->load ? "load s" : words[i];
        snprintf(view->titles[i], TITLE_ROOM, "%s%s%s", word, i < 2 ? "" : " ", i < 2 ? "" : unit.name);
        view->columns[1 + 2 * i] = (struct neap_table_column){.title = view->titles[i]};
        view->columns[2 + 2 * i] = (struct neap_table_column){.title = "", .close = true};
    }
}

/* Good or bad only if it differs from 1 by more than two runs of the same program do. */
static enum neap_tone ratio_tone(double ratio) {
    return ratio <= 0.97 ? NEAP_TONE_GOOD : ratio >= 1.03 ? NEAP_TONE_BAD : NEAP_TONE_DIM;
}

static void figures_add(neap_table_t *table, const struct view *view,
                        const struct neap_comparison_entry *entry, const struct neap_comparison_entry *base) {
    for (size_t i = 0; i < 5; i++) {
        char text[NEAP_UNITS_ROOM];
        double figure = neap_comparison_figure(entry, view->figures[i]);
        double shown = figure / view->scales[i];
        neap_table_cell(table, NEAP_TONE_PLAIN, "%.*f", i < 2 && shown < 99.995 ? 2 : 1, shown);
        if (!neap_comparison_has_figures(base)) {
            neap_table_cell(table, NEAP_TONE_DIM, "-");
            continue;
        }
        double ratio = figure / neap_comparison_figure(base, view->figures[i]);
        neap_table_cell(table, ratio_tone(ratio), "%s", neap_units_ratio(text, ratio));
    }
}

static neap_table_t *table_make(const struct cli_compare_report *report, const struct view *view) {
    neap_table_t *table = neap_table_new(view->columns, COLUMNS);
    for (size_t i = 0; table && i < report->comparison->entry_count; i++) {
        const struct neap_comparison_entry *entry = entry_at(report, i);
        char text[160];
        neap_table_cell(table, entry->allocator->by_run ? NEAP_TONE_STRONG : NEAP_TONE_PLAIN, "%s",
                        entry->allocator->name);
        if (neap_comparison_has_figures(entry)) {
            figures_add(table, view, entry, entry_at(report, 0));
        } else if (entry->failure) {
            neap_trial_describe(entry->failure, text, sizeof(text));
            neap_table_rest(table, NEAP_TONE_BAD, "failed: %s", text);
        } else {
            neap_table_rest(table, NEAP_TONE_DIM, "skipped: %s",
                            entry->setup.present ? "not run" : entry->setup.reason);
        }
    }
    return table;
}

/* --- captions and failures --------------------------------------------- */

static uint32_t processes_most(const struct cli_compare_report *report) {
    uint32_t most = 0;
    for (size_t i = 0; i < report->comparison->entry_count; i++)
        for (unsigned n = 0; n < entry_at(report, i)->trial_count; n++)
            if (entry_at(report, i)->trials[n].processes > most)
                most = entry_at(report, i)->trials[n].processes;
    return most;
}

static void caption_make(const struct cli_compare_report *report, char *out, size_t room) {
    unsigned rounds = report->comparison->rounds;
    char runs[48];
    snprintf(runs, sizeof(runs), rounds == 1 ? "one run" : "medians of %u runs", rounds);
    snprintf(out, room, "RSS, %s; ratios are to %s.", runs, entry_at(report, 0)->allocator->name);
}

static void pss_caption_make(const struct cli_compare_report *report, char *out, size_t room) {
    snprintf(out, room, "Pss: pages that the up to %u processes share are counted once.",
             processes_most(report));
}

/* Prints the last lines of `text`, each behind a bar. */
static void last_lines_print(const char *text, FILE *out) {
    const char *start = text + strlen(text);
    for (unsigned lines = 0; start > text; start--)
        if (start[-1] == '\n' && ++lines == ERRORS_LINES)
            break;
    while (*start) {
        int length = (int)strcspn(start, "\n");
        fprintf(out, "  | %.*s\n", length, start);
        start += length + (start[length] != '\0');
    }
}

static void failures_print(const struct cli_compare_report *report, FILE *out) {
    const char *before = "";
    for (size_t i = 0; i < report->comparison->entry_count; i++) {
        const struct neap_trial *failure = entry_at(report, i)->failure;
        if (!failure || failure->errors[0] == '\0' || strcmp(failure->errors, before) == 0)
            continue;
        fprintf(out, "\nstandard error under %s:\n", entry_at(report, i)->allocator->name);
        last_lines_print(failure->errors, out);
        before = failure->errors;
    }
}

static void view_print(const struct cli_compare_report *report, enum neap_memory_kind kind, FILE *out) {
    struct view view;
    view_make(report, kind, &view);
    neap_table_t *table = table_make(report, &view);
    neap_table_finish(table, out);
}

void cli_compare_print(const struct cli_compare_report *report, FILE *out) {
    char caption[160];
    view_print(report, NEAP_MEMORY_RSS, out);
    caption_make(report, caption, sizeof(caption));
    fprintf(out, "%s\n", caption);
    if (processes_most(report) > 1) {
        putc('\n', out);
        view_print(report, NEAP_MEMORY_PSS, out);
        pss_caption_make(report, caption, sizeof(caption));
        fprintf(out, "%s\n", caption);
    }
    failures_print(report, out);
}

/* --- page -------------------------------------------------------------- */

static void view_page(const struct cli_compare_report *report, enum neap_memory_kind kind,
                      const char *heading, const char *caption, FILE *out) {
    struct view view;
    view_make(report, kind, &view);
    neap_table_t *table = table_make(report, &view);
    neap_page_heading(out, heading);
    if (table)
        neap_table_html(table, out);
    neap_page_note(out, "%s", caption);
    neap_table_destroy(table);
}

static void failures_page(const struct cli_compare_report *report, FILE *out) {
    for (size_t i = 0; i < report->comparison->entry_count; i++) {
        const struct neap_comparison_entry *entry = entry_at(report, i);
        if (!entry->failure || entry->failure->errors[0] == '\0')
            continue;
        neap_page_note(out, "The end of standard error under %s:", entry->allocator->name);
        neap_page_code(out, entry->failure->errors);
    }
}

int cli_compare_page(const struct cli_compare_report *report, FILE *out) {
    char caption[160];
    struct cli_compare_charts charts;
    int error = cli_compare_charts_make(report, &charts);
    if (error)
        return error;
    neap_page_begin(out, charts.title);
    neap_page_note(
        out, "Memory of the command and all its processes over time. Each line is the typical run under "
             "one allocator: its mean RSS is nearest to the median. Made by:");
    neap_page_code(out, report->invocation);
    if (charts.line_count > 0)
        error = neap_page_charts(out, charts.charts, NEAP_MEMORY_KINDS);
    caption_make(report, caption, sizeof(caption));
    view_page(report, NEAP_MEMORY_RSS, "RSS", caption, out);
    view_page(report, NEAP_MEMORY_PSS, "Pss",
              "A page that n processes share counts as 1/n of a page for each.", out);
    view_page(report, NEAP_MEMORY_PRIVATE, "Private_Dirty",
              "Written pages that only one process has: its end would give them back.", out);
    failures_page(report, out);
    neap_page_note(out,
                   "The tables show the peak, the mean over time, and the last sample before the end. Wall "
                   "and CPU time are the same in each table.");
    neap_page_end(out);
    cli_compare_charts_clear(&charts);
    return error;
}

int cli_compare_picture(const struct cli_compare_report *report, FILE *out) {
    struct cli_compare_charts charts;
    int error = cli_compare_charts_make(report, &charts);
    if (error)
        return error;
    if (charts.line_count > 0)
        neap_chart_svg(&charts.charts[NEAP_MEMORY_RSS], out);
    else
        error = NEAP_ERROR_ABSENT;
    cli_compare_charts_clear(&charts);
    return error;
}
