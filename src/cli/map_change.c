/* cli/map_change.c: prints what changed between two maps. */
#include "cli/map_report.h"

#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "base/units.h"
#include "cli/number_format.h"
#include "inspect/space/space_change.h"
#include "report/json.h"
#include "report/table.h"
#include "report/terminal.h"

enum { SHOWN_MOST = 20, FIGURES_COLUMNS = 37 /* of the table of ranges, before "what" */ };

static const char *kind_title(enum neap_span_kind kind) {
    return kind == NEAP_SPAN_KINDS ? "free" : neap_span_kind_title(kind);
}

/* "+1.2 MB", "-300 kB", "0 B" */
static const char *signed_bytes(char text[NEAP_UNITS_ROOM + 1], uint64_t before, uint64_t after) {
    text[0] = after > before ? '+' : '-';
    if (after == before)
        return neap_units_bytes(text, 0);
    neap_units_bytes(text + 1, after > before ? after - before : before - after);
    return text;
}

static enum neap_tone tone_of(uint64_t before, uint64_t after) {
    return after > before ? NEAP_TONE_BAD : after < before ? NEAP_TONE_GOOD : NEAP_TONE_PLAIN;
}

static void memory_put(neap_table_t *table, uint64_t before, uint64_t after) {
    char text[NEAP_UNITS_ROOM + 1];
    neap_table_cell(table, NEAP_TONE_PLAIN, "%s", neap_units_bytes(text, before));
    neap_table_cell(table, NEAP_TONE_PLAIN, "%s", neap_units_bytes(text, after));
    neap_table_cell(table, tone_of(before, after), "%s", signed_bytes(text, before, after));
}

static void kinds_fill(neap_table_t *table, const struct neap_space_map *before,
                       const struct neap_space_map *after) {
    struct neap_space_sum old[NEAP_SPAN_KINDS], new[NEAP_SPAN_KINDS];
    char text[NEAP_UNITS_ROOM + 1];
    neap_space_map_sums(before, old);
    neap_space_map_sums(after, new);
    for (enum neap_span_kind kind = 0; kind < NEAP_SPAN_KINDS; kind++) {
        if (old[kind].bytes == new[kind].bytes && old[kind].resident_bytes == new[kind].resident_bytes)
            continue;
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", neap_span_kind_title(kind));
        memory_put(table, old[kind].resident_bytes, new[kind].resident_bytes);
        neap_table_cell(table, NEAP_TONE_DIM, "%s", signed_bytes(text, old[kind].bytes, new[kind].bytes));
    }
    neap_table_cell(table, NEAP_TONE_STRONG, "total");
    memory_put(table, before->rss_bytes, after->rss_bytes);
    neap_table_cell(table, NEAP_TONE_PLAIN, "%s", "");
}

/* Puts "arenas of CPython -> free", and the end of the label if there is room. */
static void what_put(neap_table_t *table, const struct neap_space_change *change, unsigned columns) {
    enum { LABEL_LEAST = 8 };
    char what[128], room[512];
    int length = snprintf(what, sizeof(what), "%s%s%s", kind_title(change->before),
                          change->before == change->after ? "" : " -> ",
                          change->before == change->after ? "" : kind_title(change->after));
    unsigned used = (unsigned)length + 2;
    if (change->label[0] && used + LABEL_LEAST <= columns)
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s, %s", what,
                        cli_text_cut(room, sizeof(room), change->label, columns - used));
    else
        neap_table_cell(table, NEAP_TONE_PLAIN, "%.*s", (int)columns, what);
}

static void changes_fill(neap_table_t *table, const struct neap_space_change *changes, size_t count,
                         unsigned columns) {
    char text[NEAP_UNITS_ROOM + 1];
    for (size_t i = 0; i < count && i < SHOWN_MOST; i++) {
        const struct neap_space_change *change = &changes[i];
        neap_table_cell(table, NEAP_TONE_PLAIN, "%llx", (unsigned long long)change->start);
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", neap_units_bytes(text, change->end - change->start));
        neap_table_cell(table, tone_of(change->before_resident, change->after_resident), "%s",
                        signed_bytes(text, change->before_resident, change->after_resident));
        what_put(table, change, columns);
    }
}

int cli_map_change_print(const struct neap_space_map *before, const struct neap_space_map *after, FILE *out) {
    static const struct neap_table_column kind_columns[] = {
        {"kind", true, false},    {"before", false, false},    {"after", false, false},
        {"change", false, false}, {"addresses", false, false},
    };
    static const struct neap_table_column change_columns[] = {
        {"address", false, false},
        {"length", false, false},
        {"in memory", false, false},
        {"what", true, false},
    };
    struct neap_space_change *changes;
    size_t count;
    char title[512];
    int error = neap_space_changes_find(before, after, &changes, &count);
    if (error != NEAP_OK)
        return error;
    neap_table_t *kinds = neap_table_new(kind_columns, sizeof(kind_columns) / sizeof(kind_columns[0]));
    neap_table_t *table = neap_table_new(change_columns, sizeof(change_columns) / sizeof(change_columns[0]));
    if (kinds && table) {
        fprintf(out, "%s\n%s\n", cli_map_title(before, title, sizeof(title)),
                count ? "What changed in memory, by kind:\n" : "Nothing changed.");
        kinds_fill(kinds, before, after);
        changes_fill(table, changes, count, neap_terminal_columns(out) - FIGURES_COLUMNS);
        if (count > 0) {
            neap_table_print(kinds, out);
            if (count > SHOWN_MOST)
                fprintf(out, "\n%zu ranges changed; these changed most:\n\n", count);
            else
                fprintf(out, "\nWhat changed, by range:\n\n");
            neap_table_print(table, out);
        }
    } else {
        error = NEAP_ERROR_MEMORY;
    }
    neap_table_destroy(kinds);
    neap_table_destroy(table);
    free(changes);
    return error;
}

static json_t *kind_json(enum neap_span_kind kind) {
    return kind == NEAP_SPAN_KINDS ? json_null() : json_string(neap_span_kind_name(kind));
}

int cli_map_change_json(const struct neap_space_map *before, const struct neap_space_map *after, FILE *out) {
    struct neap_space_change *changes;
    size_t count;
    int error = neap_space_changes_find(before, after, &changes, &count);
    if (error != NEAP_OK)
        return error;
    json_t *document = neap_json_document("neap.map-change/1"), *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            array,
            json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "start", neap_json_number(changes[i].start),
                      "end", neap_json_number(changes[i].end), "kind_before", kind_json(changes[i].before),
                      "kind_after", kind_json(changes[i].after), "resident_bytes_before",
                      neap_json_number(changes[i].before_resident), "resident_bytes_after",
                      neap_json_number(changes[i].after_resident), "label",
                      neap_json_text(changes[i].label)));
    json_object_set_new(document, "rss_bytes_before", neap_json_number(before->rss_bytes));
    json_object_set_new(document, "rss_bytes_after", neap_json_number(after->rss_bytes));
    json_object_set_new(document, "changes", array);
    free(changes);
    return neap_json_print(document, out);
}
