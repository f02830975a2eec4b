/* cli/look_report.c: text and JSON of `neap look`: a table like heapy's, the largest objects of a type, the
 * account of RSS. */
#include "cli/look_report.h"

#include <string.h>

#include "base/units.h"
#include "cli/number_format.h"
#include "report/json.h"
#include "report/table.h"

enum { KIND_COLUMNS_LEAST = 16, HINT_SHARE = 5, FIGURES_COLUMNS = 44 }; /* the last without the counts */

static double percent(uint64_t part, uint64_t whole) {
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* --- text ------------------------------------------------------------------------ */

static void rows_print(const struct cli_look_report *report, FILE *out) {
    static const struct neap_table_column columns[] = {
        {"Index", false, false}, {"Count", false, false},      {"%", false, true}, {"Size", false, false},
        {"%", false, true},      {"Cumulative", false, false}, {"%", false, true}, {"Kind", true, false},
    };
    const struct neap_census_rows *rows = report->rows;
    neap_table_t *table = neap_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    char total[CLI_NUMBER_ROOM];
    unsigned width = neap_terminal_columns(out);
    unsigned figures = FIGURES_COLUMNS + (unsigned)strlen(cli_number_format(total, rows->objects));
    unsigned kind = width > figures + KIND_COLUMNS_LEAST ? width - figures : KIND_COLUMNS_LEAST;
    uint64_t cumulative = 0, count = 0;
    size_t shown = rows->count < report->shown ? rows->count : report->shown;
    for (size_t i = 0; table && i < shown; i++) {
        const struct neap_census_row *row = &rows->rows[i];
        char number[CLI_NUMBER_ROOM], size[NEAP_UNITS_ROOM], sum[NEAP_UNITS_ROOM], name[512];
        cumulative += row->bytes;
        count += row->sum.objects;
        neap_table_cell(table, NEAP_TONE_DIM, "%zu", i);
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", cli_number_format(number, row->sum.objects));
        neap_table_cell(table, NEAP_TONE_DIM, "%.0f", percent(row->sum.objects, rows->objects));
        neap_table_cell(table, NEAP_TONE_STRONG, "%s", neap_units_bytes(size, row->bytes));
        neap_table_cell(table, NEAP_TONE_DIM, "%.0f", percent(row->bytes, rows->bytes));
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", neap_units_bytes(sum, cumulative));
        neap_table_cell(table, NEAP_TONE_DIM, "%.0f", percent(cumulative, rows->bytes));
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", cli_text_cut(name, sizeof(name), row->kind, kind));
    }
    neap_table_finish(table, out);
    if (shown < rows->count) {
        char number[CLI_NUMBER_ROOM], size[NEAP_UNITS_ROOM];
        fprintf(out, "%zu more rows: %s objects, %s; -n %zu shows them\n", rows->count - shown,
                cli_number_format(number, rows->objects - count),
                neap_units_bytes(size, rows->bytes - cumulative), rows->count);
    }
}

/* Prints what the order of arenas means. */
static void order_print(const struct cli_look_report *report, FILE *out) {
    const struct neap_census_rows *rows = report->rows;
    char number[CLI_NUMBER_ROOM];
    if (report->python->view->neap)
        fputs("ordered by when Neap first used their memory; it may have been used again since\n", out);
    else if (!rows->again_known)
        fputs("ordered by when their memory was first used; it may have been used again since\n", out);
    else if (rows->again == 0)
        fputs("ordered by creation: no memory was used twice\n", out);
    else
        fprintf(out, "ordered by when their memory was first used; used again: %s times\n",
                cli_number_format(number, rows->again));
}

static void apart_print(const struct cli_look_report *report, FILE *out) {
    const struct neap_census_facts *facts = neap_census_facts(report->census);
    char number[CLI_NUMBER_ROOM], size[NEAP_UNITS_ROOM];
    if (facts->parked.objects)
        fprintf(out, "not included: %s freed objects kept on free lists, %s\n",
                cli_number_format(number, facts->parked.objects),
                neap_units_bytes(size, facts->parked.object_bytes));
    if (facts->fixed.objects)
        fprintf(out, "not included: %s objects in the program's own files, %s\n",
                cli_number_format(number, facts->fixed.objects),
                neap_units_bytes(size, facts->fixed.object_bytes));
}

/* If much memory is free and cannot go back, names the verb that tells why. */
static void hint_print(const struct cli_look_report *report, FILE *out) {
    struct neap_account_heap heap;
    char size[NEAP_UNITS_ROOM];
    neap_census_account(report->census, &heap);
    uint64_t free_bytes = heap.free_pool_bytes + heap.free_block_bytes;
    if (!report->python->core && free_bytes > report->account->rss_bytes / HINT_SHARE)
        fprintf(out, "\n%s of this is free and cannot go back: see `neap pins %d`\n",
                neap_units_bytes(size, free_bytes), (int)report->python->target.pid);
}

static void account_print(const struct cli_look_report *report, FILE *out) {
    static const struct neap_table_column columns[] = {
        {"Resident memory", true, false}, {"", false, false}, {"%", false, true}};
    const struct neap_memory_account *account = report->account;
    neap_table_t *table = neap_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    char size[NEAP_UNITS_ROOM];
    for (size_t i = 0; table && i < account->line_count; i++) {
        const struct neap_account_line *line = &account->lines[i];
        if (line->bytes == 0 && i + 1 < account->line_count)
            continue;
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", line->title);
        neap_table_cell(table, NEAP_TONE_STRONG, "%s", neap_units_bytes(size, line->bytes));
        neap_table_cell(table, NEAP_TONE_DIM, "%.1f", percent(line->bytes, account->rss_bytes));
    }
    if (table) {
        neap_table_cell(table, NEAP_TONE_PLAIN, "RSS");
        neap_table_cell(table, NEAP_TONE_STRONG, "%s", neap_units_bytes(size, account->rss_bytes));
        neap_table_cell(table, NEAP_TONE_DIM, "100.0");
    }
    neap_table_finish(table, out);
    hint_print(report, out);
}

static void object_print(const struct neap_object_detail *object, size_t index, FILE *out) {
    char size[NEAP_UNITS_ROOM], room[512];
    unsigned width = neap_terminal_columns(out) - 8;
    fprintf(out, "%5zu  %s at 0x%llx, %s\n", index, neap_units_bytes(size, object->largest.bytes),
            (unsigned long long)object->largest.address, cli_text_cut(room, sizeof(room), object->what, 40));
    fprintf(out, "       in %s\n", cli_text_cut(room, sizeof(room), object->path, width - 2));
    for (unsigned i = 0; i < object->referrer_count; i++)
        fprintf(out, "       referred to by %s\n",
                cli_text_cut(room, sizeof(room), object->referrers[i], width - 15));
    if (object->referrer_total > object->referrer_count)
        fprintf(out, "       and by %llu more\n",
                (unsigned long long)(object->referrer_total - object->referrer_count));
}

static void objects_print(const struct cli_look_report *report, FILE *out) {
    char number[CLI_NUMBER_ROOM];
    fprintf(out, "The largest %zu of %s objects of type %s:\n\n", report->largest->count,
            cli_number_format(number, report->largest->total), report->type);
    for (size_t i = 0; i < report->largest->count; i++)
        object_print(&report->largest->list[i], i, out);
}

void cli_look_print(const struct cli_look_report *report, FILE *out) {
    const struct neap_census_facts *facts = neap_census_facts(report->census);
    char number[CLI_NUMBER_ROOM], size[NEAP_UNITS_ROOM];
    cli_python_print(report->python, facts->rejected, out);
    if (report->type) {
        fputc('\n', out);
        objects_print(report, out);
        return;
    }
    fprintf(out, "%s objects by %s, %s\n\n", cli_number_format(number, report->rows->objects), report->by,
            neap_units_bytes(size, report->rows->bytes));
    rows_print(report, out);
    if (report->by_arena)
        order_print(report, out);
    fputc('\n', out);
    apart_print(report, out);
    if (facts->live_blocks)
        fprintf(out, "%.2f %% of live blocks accounted for, %.1f %% of objects by exact layout\n",
                100 - percent(facts->unknown_blocks, facts->live_blocks),
                percent(facts->exact_objects, facts->exact_objects + facts->scanned_objects));
    if (report->account && report->account->line_count) {
        fputc('\n', out);
        account_print(report, out);
    }
}

/* --- JSON ------------------------------------------------------------------------ */

static json_t *sum_json(const struct neap_census_sum *sum) {
    json_t *object = json_object();
    neap_json_set(object, "count", sum->objects);
    neap_json_set(object, "tracked", sum->tracked);
    neap_json_set(object, "object_bytes", sum->object_bytes);
    neap_json_set(object, "buffer_bytes", sum->buffer_bytes);
    neap_json_set(object, "sizeof_bytes", sum->sizeof_bytes);
    return object;
}

static json_t *rows_json(const struct cli_look_report *report) {
    json_t *array = json_array();
    for (size_t i = 0; i < report->rows->count && i < report->shown; i++) {
        json_t *row = sum_json(&report->rows->rows[i].sum);
        json_object_set_new(row, "kind", neap_json_text(report->rows->rows[i].kind));
        neap_json_set(row, "bytes", report->rows->rows[i].bytes);
        json_array_append_new(array, row);
    }
    return array;
}

static json_t *objects_json(const struct cli_look_report *report) {
    json_t *array = json_array();
    for (size_t i = 0; i < report->largest->count; i++) {
        const struct neap_object_detail *one = &report->largest->list[i];
        json_t *object = json_object(), *referrers = json_array();
        char address[32];
        snprintf(address, sizeof(address), "0x%llx", (unsigned long long)one->largest.address);
        json_object_set_new(object, "address", json_string(address));
        neap_json_set(object, "bytes", one->largest.bytes);
        json_object_set_new(object, "what", neap_json_text(one->what));
        json_object_set_new(object, "path", neap_json_text(one->path));
        for (unsigned j = 0; j < one->referrer_count; j++)
            json_array_append_new(referrers, neap_json_text(one->referrers[j]));
        json_object_set_new(object, "referrers", referrers);
        neap_json_set(object, "referrer_count", one->referrer_total);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *account_json(const struct neap_memory_account *account) {
    json_t *object = json_object();
    neap_json_set(object, "rss", account->rss_bytes);
    for (size_t i = 0; i < account->line_count; i++)
        neap_json_set(object, account->lines[i].name, account->lines[i].bytes);
    return object;
}

static json_t *blocks_json(const struct neap_census_facts *facts) {
    json_t *object = json_object();
    neap_json_set(object, "live", facts->live_blocks);
    neap_json_set(object, "objects", facts->object_blocks);
    neap_json_set(object, "buffers", facts->buffer_blocks);
    neap_json_set(object, "parked", facts->parked_blocks);
    neap_json_set(object, "code", facts->code_blocks);
    neap_json_set(object, "code_bytes", facts->code_bytes);
    neap_json_set(object, "unknown", facts->unknown_blocks);
    neap_json_set(object, "unknown_bytes", facts->unknown_bytes);
    return object;
}

int cli_look_print_json(const struct cli_look_report *report, FILE *out) {
    const struct neap_census_facts *facts = neap_census_facts(report->census);
    json_t *document = neap_json_document("neap.look/1");
    cli_python_json(report->python, document);
    json_object_set_new(document, "by", json_string(report->by));
    neap_json_set(document, "rejected", facts->rejected);
    json_object_set_new(document, "total", sum_json(&facts->total));
    json_object_set_new(document, "parked", sum_json(&facts->parked));
    json_object_set_new(document, "fixed", sum_json(&facts->fixed));
    neap_json_set(document, "shared_bytes", facts->shared_bytes);
    neap_json_set(document, "outside_objects", facts->outside_objects);
    neap_json_set(document, "exact_objects", facts->exact_objects);
    neap_json_set(document, "scanned_objects", facts->scanned_objects);
    json_object_set_new(document, "incomplete", json_boolean(facts->incomplete));
    json_object_set_new(document, "blocks", blocks_json(facts));
    if (report->type) {
        json_object_set_new(document, "type", neap_json_text(report->type));
        neap_json_set(document, "of_type", report->largest->total);
        json_object_set_new(document, "largest", objects_json(report));
    } else {
        neap_json_set(document, "row_count", report->rows->count);
        json_object_set_new(document, "rows", rows_json(report));
        if (report->by_arena)
            json_object_set_new(document, "places_taken_again",
                                report->rows->again_known ? json_integer((json_int_t)report->rows->again)
                                                          : json_null());
    }
    if (report->account)
        json_object_set_new(document, "account", account_json(report->account));
    return neap_json_print(document, out);
}
