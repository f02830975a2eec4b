/* cli/map_json.c: writes and reads the document "neap.map/1". */
#include "cli/map_report.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <neap/error.h>

#include "base/outside_text.h"
#include "os/held_file.h"
#include "report/json.h"

#define SCHEMA "neap.map/1"

enum { SPANS_MOST = 1 << 22, DOCUMENT_MOST = 1 << 30 };

/* --- writing ----------------------------------------------------------------- */

static json_t *span_json(const struct neap_space_map *map, const struct neap_space_span *span) {
    char digits[NEAP_SPACE_CHUNKS_MOST + 1];
    json_t *object = json_pack("{s:o, s:o, s:s, s:o, s:o}", "start", neap_json_number(span->start), "end",
                               neap_json_number(span->end), "kind", neap_span_kind_name(span->kind),
                               "resident_bytes", neap_json_number(span->resident_bytes), "used_bytes",
                               span->has_use ? neap_json_number(span->used_bytes) : json_null());
    if (span->tid != 0)
        json_object_set_new(object, "tid", json_integer(span->tid));
    if (span->chunk_bytes > 0) {
        json_object_set_new(object, "chunk_bytes", neap_json_number(span->chunk_bytes));
        json_object_set_new(object, "chunks", json_string(cli_map_chunks(map, span, digits)));
    }
    if (span->label[0])
        json_object_set_new(object, "label", neap_json_text(span->label));
    return object;
}

static json_t *kinds_json(const struct neap_space_map *map) {
    struct neap_space_sum sums[NEAP_SPAN_KINDS];
    json_t *object = json_object();
    neap_space_map_sums(map, sums);
    for (enum neap_span_kind kind = 0; kind < NEAP_SPAN_KINDS; kind++)
        if (sums[kind].spans > 0)
            json_object_set_new(object, neap_span_kind_name(kind),
                                json_pack("{s:o, s:o, s:o, s:o}", "spans", neap_json_number(sums[kind].spans),
                                          "bytes", neap_json_number(sums[kind].bytes), "resident_bytes",
                                          neap_json_number(sums[kind].resident_bytes), "used_bytes",
                                          neap_json_number(sums[kind].used_bytes)));
    return object;
}

int cli_map_json(const struct cli_map_report *report, FILE *out) {
    const struct neap_space_map *map = report->map;
    json_t *document = neap_json_document(SCHEMA), *spans = json_array();
    for (size_t i = 0; i < map->span_count; i++)
        json_array_append_new(spans, span_json(map, &map->spans[i]));
    json_object_set_new(document, "pid", json_integer(map->pid));
    json_object_set_new(document, "program", neap_json_text(map->program));
    json_object_set_new(document, "core", json_boolean(map->core));
    json_object_set_new(document, "source", neap_json_text(report->source));
    json_object_set_new(document, "not_seen", neap_json_text(report->limit));
    json_object_set_new(document, "pointer_bytes", json_integer(map->pointer_bytes));
    json_object_set_new(document, "page_bytes", neap_json_number(map->page_bytes));
    json_object_set_new(document, "rss_bytes", neap_json_number(map->rss_bytes));
    json_object_set_new(document, "largest_free",
                        json_pack("{s:o, s:o}", "address", neap_json_number(map->free_start), "bytes",
                                  neap_json_number(map->free_bytes)));
    json_object_set_new(document, "stacks",
                        json_pack("{s:o, s:o}", "count", neap_json_number(map->stack_count), "resident_bytes",
                                  neap_json_number(map->stack_bytes)));
    json_object_set_new(document, "threads", neap_json_number(map->thread_count));
    json_object_set_new(document, "mappings", neap_json_number(map->mapping_count));
    json_object_set_new(document, "mapping_limit",
                        map->mapping_limit ? neap_json_number(map->mapping_limit) : json_null());
    json_object_set_new(document, "kinds", kinds_json(map));
    json_object_set_new(document, "spans", spans);
    return neap_json_print(document, out);
}

/* --- reading ----------------------------------------------------------------- */

/* Reads a member that is a count of bytes. False if it is not one. */
static bool member_bytes(const json_t *object, const char *key, uint64_t *bytes) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *bytes = (uint64_t)json_integer_value(value);
    return true;
}

static const char *member_text(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool kind_parse(const char *name, enum neap_span_kind *kind) {
    for (enum neap_span_kind i = 0; i < NEAP_SPAN_KINDS; i++)
        if (strcmp(name, neap_span_kind_name(i)) == 0) {
            *kind = i;
            return true;
        }
    return false;
}

/* Reads the digits of a span. False if they are not digits or their number is not that of its chunks. */
static bool chunks_parse(const json_t *object, struct neap_space_map *map, struct neap_space_span *span) {
    static const char digits[] = "0123456789abcdef";
    const char *text = member_text(object, "chunks");
    size_t length = strlen(text);
    if (!member_bytes(object, "chunk_bytes", &span->chunk_bytes))
        return true;
    if (span->chunk_bytes == 0 || length > NEAP_SPACE_CHUNKS_MOST || span->end <= span->start ||
        neap_space_span_chunks(span) != length)
        return false;
    span->chunk = map->chunk_count;
    for (; *text; text++) {
        const char *digit = strchr(digits, *text);
        if (!digit)
            return false;
        map->chunks[map->chunk_count++] = (uint8_t)(digit - digits);
    }
    return true;
}

static bool span_parse(const json_t *object, struct neap_space_map *map, struct neap_space_span *span,
                       char **texts) {
    const char *label = member_text(object, "label");
    if (!member_bytes(object, "start", &span->start) || !member_bytes(object, "end", &span->end) ||
        !member_bytes(object, "resident_bytes", &span->resident_bytes) ||
        !kind_parse(member_text(object, "kind"), &span->kind))
        return false;
    span->has_use = member_bytes(object, "used_bytes", &span->used_bytes);
    span->tid = (pid_t)json_integer_value(json_object_get(object, "tid"));
    span->label = strcpy(*texts, label);
    *texts += strlen(label) + 1;
    return chunks_parse(object, map, span);
}

static int spans_parse(const json_t *array, struct neap_space_map *map, const char **why) {
    size_t count = json_array_size(array), text_bytes = 1;
    *why = "it has no spans, or too many";
    if (!json_is_array(array) || count > SPANS_MOST)
        return NEAP_ERROR_FORMAT;
    size_t chunks = 1;
    for (size_t i = 0; i < count; i++) {
        text_bytes += strlen(member_text(json_array_get(array, i), "label")) + 1;
        chunks += strlen(member_text(json_array_get(array, i), "chunks"));
    }
    map->spans = calloc(count + 1, sizeof(*map->spans));
    map->texts = malloc(text_bytes);
    map->chunks = malloc(chunks);
    if (!map->spans || !map->texts || !map->chunks)
        return NEAP_ERROR_MEMORY;
    char *texts = map->texts;
    for (; map->span_count < count; map->span_count++) {
        *why = "one of its spans lacks start, end, kind or resident_bytes, or has other chunks";
        if (!span_parse(json_array_get(array, map->span_count), map, &map->spans[map->span_count], &texts))
            return NEAP_ERROR_FORMAT;
    }
    return NEAP_OK;
}

static int document_parse(const json_t *document, struct neap_space_map *map, const char **why) {
    uint64_t number = 0;
    *why = "it is no map that neap has saved (schema " SCHEMA ")";
    if (strcmp(member_text(document, "schema"), SCHEMA) != 0)
        return NEAP_ERROR_FORMAT;
    map->pid = (pid_t)json_integer_value(json_object_get(document, "pid"));
    map->core = json_is_true(json_object_get(document, "core"));
    snprintf(map->program, sizeof(map->program), "%s", member_text(document, "program"));
    neap_outside_text_clean(map->program);
    map->pointer_bytes = member_bytes(document, "pointer_bytes", &number) && number == 4 ? 4 : 8;
    *why = "it lacks page_bytes or rss_bytes";
    if (!member_bytes(document, "page_bytes", &map->page_bytes) ||
        !member_bytes(document, "rss_bytes", &map->rss_bytes))
        return NEAP_ERROR_FORMAT;
    const json_t *stacks = json_object_get(document, "stacks");
    member_bytes(stacks, "resident_bytes", &map->stack_bytes);
    map->stack_count = member_bytes(stacks, "count", &number) ? (size_t)number : 0;
    map->thread_count = member_bytes(document, "threads", &number) ? (size_t)number : 0;
    map->mapping_count = member_bytes(document, "mappings", &number) ? (size_t)number : 0;
    member_bytes(document, "mapping_limit", &map->mapping_limit);
    int error = spans_parse(json_object_get(document, "spans"), map, why);
    if (error == NEAP_OK && !neap_space_map_check(map, why))
        error = NEAP_ERROR_FORMAT;
    if (error == NEAP_OK)
        neap_space_map_gap(map);
    return error;
}

int cli_map_parse(const char *text, size_t bytes, struct neap_space_map *map, const char **why) {
    json_error_t fault;
    struct neap_space_map made = {0};
    json_t *document = json_loadb(text, bytes, 0, &fault);
    *why = "it is no JSON document";
    if (!document)
        return NEAP_ERROR_FORMAT;
    int error = document_parse(document, &made, why);
    json_decref(document);
    if (error != NEAP_OK) {
        neap_space_map_clear(&made);
        return error;
    }
    *map = made;
    return NEAP_OK;
}

int cli_map_text_read(const char *path, char **text, size_t *bytes, const char **why) {
    struct neap_os_held_file file;
    *why = "it is empty, or no file";
    int error = neap_os_held_file_open(path, &file);
    if (error != NEAP_OK)
        return error;
    const uint64_t length = file.bytes;
    char *made = NULL;
    if (length > DOCUMENT_MOST)
        *why = "it is too large";
    if (length == 0 || length > DOCUMENT_MOST)
        error = NEAP_ERROR_FORMAT;
    else if (!(made = malloc((size_t)length)))
        error = NEAP_ERROR_MEMORY;
    else
        error = neap_os_held_file_read(&file, 0, made, (size_t)length);
    neap_os_held_file_close(&file);
    if (error != NEAP_OK) {
        free(made);
        return error;
    }
    *text = made;
    *bytes = (size_t)length;
    return NEAP_OK;
}
