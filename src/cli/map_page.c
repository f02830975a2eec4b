/* cli/map_page.c: a map as one HTML file. */
#include "cli/map_report.h"

#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "base/units.h"
#include "report/json.h"
#include "report/page.h"
#include "report/range_view.h"

static json_t *styles_json(const struct neap_space_map *map) {
    struct neap_space_sum sums[NEAP_SPAN_KINDS];
    json_t *array = json_array();
    char text[NEAP_UNITS_ROOM];
    neap_space_map_sums(map, sums);
    for (enum neap_span_kind kind = 0; kind < NEAP_SPAN_KINDS; kind++) {
        bool shown = sums[kind].spans > 0 && kind != NEAP_SPAN_RESERVED;
        json_array_append_new(array,
                              json_pack("{s:s, s:s, s:s, s:b, s:b, s:b}", "name", neap_span_kind_title(kind),
                                        "colour", cli_map_colour(kind), "text",
                                        shown ? neap_units_bytes(text, sums[kind].resident_bytes) : "",
                                        "filled", cli_map_has_fill(kind), "pieces",
                                        kind == NEAP_SPAN_ARENA || kind == NEAP_SPAN_REGION, "hidden",
                                        kind == NEAP_SPAN_RESERVED));
    }
    return array;
}

/* Adds the ranges, and their labels as a list without repetition: neighbours often have the same one. */
static void ranges_json(const struct neap_space_map *map, json_t *ranges, json_t *labels) {
    const char *before = NULL;
    char name[NEAP_UNITS_ROOM + 32], digits[NEAP_SPACE_CHUNKS_MOST + 1];
    for (size_t i = 0; i < map->span_count; i++) {
        const struct neap_space_span *span = &map->spans[i];
        const char *label = span->label;
        if (span->tid != 0) {
            snprintf(name, sizeof(name), "thread %d %.15s", (int)span->tid, label[0] == '[' ? "" : label);
            label = name;
        }
        if (!before || span->tid != 0 || strcmp(before, label) != 0)
            json_array_append_new(labels, neap_json_text(label));
        before = span->tid != 0 ? NULL : label;
        json_array_append_new(
            ranges,
            json_pack("[o, o, i, o, o, o, o, o]", neap_json_number(span->start), neap_json_number(span->end),
                      (int)span->kind, neap_json_number(span->resident_bytes),
                      span->has_use ? neap_json_number(span->used_bytes) : json_integer(-1),
                      neap_json_number(json_array_size(labels) - 1), neap_json_number(span->chunk_bytes),
                      json_string(cli_map_chunks(map, span, digits))));
    }
}

/* Hexadecimal digits with one bit per block, the lowest block first; "" if the map has no bits for it. */
static json_t *bits_json(const struct neap_space_map *map, const struct neap_space_pool *pool) {
    if (pool->live == NEAP_SPACE_ALL || pool->live == NEAP_SPACE_UNTOLD)
        return json_string("");
    size_t digits = ((size_t)pool->blocks + 3) / 4;
    char *text = malloc(digits + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < digits; i++)
        text[i] = "0123456789abcdef"[map->live[pool->live + i / 16] >> (i % 16 * 4) & 15];
    text[digits] = '\0';
    json_t *value = json_string(text);
    free(text);
    return value;
}

static json_t *pieces_json(const struct neap_space_map *map) {
    json_t *array = json_array();
    for (size_t i = 0; i < map->pool_count; i++) {
        const struct neap_space_pool *pool = &map->pools[i];
        json_array_append_new(
            array, json_pack("[o, o, o, i, i, i, i, i, o]", neap_json_number(pool->address),
                             neap_json_number(pool->bytes), neap_json_number(pool->first - pool->address),
                             (int)pool->block_bytes, (int)pool->blocks, (int)pool->used,
                             (int)pool->group_blocks, (int)pool->group_bytes, bits_json(map, pool)));
    }
    return array;
}

static int picture(const void *context, FILE *out) {
    return cli_map_picture(context, out);
}

int cli_map_page(const struct cli_map_report *report, FILE *out) {
    const struct neap_space_map *map = report->map;
    char title[512], free_text[NEAP_UNITS_ROOM], rss[NEAP_UNITS_ROOM], stacks[NEAP_UNITS_ROOM];
    json_t *ranges = json_array(), *labels = json_array();
    ranges_json(map, ranges, labels);
    json_t *data = json_pack("{s:o, s:o, s:o, s:o, s:{s:s, s:s}, s:i}", "styles", styles_json(map), "ranges",
                             ranges, "labels", labels, "pieces", pieces_json(map), "words", "piece", "pool",
                             "block", "block", "digits", map->pointer_bytes == 4 ? 8 : 12);
    neap_page_begin(out, cli_map_title(map, title, sizeof(title)));
    neap_page_note(out,
                   "%s in memory, %s. Addresses run from left to right and from top to bottom; empty "
                   "ranges are left out.",
                   neap_units_bytes(rss, map->rss_bytes), report->source);
    int error = neap_range_view(out, data, picture, report);
    neap_page_heading(out, "Totals");
    neap_page_note(out, "Largest free range of addresses: %s at %llx.",
                   neap_units_bytes(free_text, map->free_bytes), (unsigned long long)map->free_start);
    neap_page_note(out, "Stacks: %zu for %zu threads, %s in memory.", map->stack_count, map->thread_count,
                   neap_units_bytes(stacks, map->stack_bytes));
    if (map->mapping_limit > 0)
        neap_page_note(out, "Mappings: %zu of %llu that the system allows.", map->mapping_count,
                       (unsigned long long)map->mapping_limit);
    if (report->limit[0])
        neap_page_note(out, "Not seen: %s.", report->limit);
    neap_page_end_plain(out);
    return error;
}
