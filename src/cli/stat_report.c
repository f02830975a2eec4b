/* cli/stat_report.c: tables and JSON of `neap stat` for a Neap heap. */
#include "cli/stat_report.h"

#include <jansson.h>

#include "base/units.h"
#include "cli/number_format.h"
#include "cli/memory_table.h"
#include "report/json.h"
#include "report/table.h"
#include "os/world_refusal.h"

enum { EVENTS_SHOWN = 5 };

static const char *cause_name(uint32_t cause) {
    static const char *const names[] = {
        [NEAP_PURGE_DECAY] = "decay", [NEAP_PURGE_IDLE] = "idle",   [NEAP_PURGE_TRIM] = "trim",
        [NEAP_PURGE_FORK] = "fork",   [NEAP_PURGE_LIMIT] = "limit", [NEAP_PURGE_HIGH_WATER] = "high_water",
    };
    return cause < sizeof(names) / sizeof(names[0]) ? names[cause] : "unknown";
}

static uint64_t class_used_bytes(const struct neap_class_view *class) {
    return class->used_blocks * class->block_bytes;
}

static double fill_of(const struct neap_class_view *class) {
    return class->blocks ? (double)class->used_blocks / (double)class->blocks : 0;
}

/* --- text -------------------------------------------------------------- */

static void memory_print(const struct neap_heap_stats *stats, FILE *out) {
    const struct cli_memory_line lines[] = {
        {"live", stats->live_bytes, "blocks in use"},
        {"cached", stats->cached_bytes, "free blocks in magazines, caches of threads or quarantine"},
        {"free", stats->free_bytes, "free, on pages that also hold live blocks"},
        {"dirty", stats->dirty_bytes, "whole free pages, still in memory"},
        {"resident", stats->resident_bytes, "the sum of the four above"},
        {"meshed", stats->meshed_bytes, "the part of resident that takes no memory: pages share it"},
        {"peak", stats->peak_bytes, "the largest resident so far"},
        {"clean", stats->clean_bytes, "whole free pages, given back or never touched"},
        {"given back", stats->purged_bytes, "pages given back since the start"},
        {"refaulted", stats->refaulted_bytes, "pages given back and taken again later"},
        {"bookkeeping", stats->metadata_bytes, "what the heap needs for itself, estimated"},
    };
    cli_memory_table_print(lines, sizeof(lines) / sizeof(lines[0]), out);
}

static void classes_print(const struct neap_heap_view *view, FILE *out) {
    static const struct neap_table_column columns[] = {
        {"block", false, false}, {"used", false, false}, {"cached", false, false}, {"bytes", false, false},
        {"slabs", false, false}, {"fill", false, false}, {"pins", false, false},
    };
    neap_table_t *table = neap_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    uint32_t unused = 0;
    for (uint32_t i = 1; table && i < view->heap.class_count; i++) {
        const struct neap_class_view *class = &view->classes[i];
        char text[NEAP_UNITS_ROOM], number[CLI_NUMBER_ROOM];
        if (class->used_blocks == 0) {
            unused += class->slabs;
            continue;
        }
        neap_table_cell(table, NEAP_TONE_STRONG, "%u", class->block_bytes);
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", cli_number_format(number, class->used_blocks));
        neap_table_cell(table, NEAP_TONE_DIM, "%s", cli_number_format(number, class->cached_blocks));
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", neap_units_bytes(text, class_used_bytes(class)));
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", cli_number_format(number, class->slabs));
        neap_table_cell(table, NEAP_TONE_PLAIN, "%.0f %%", 100 * fill_of(class));
        neap_table_cell(table, class->pins ? NEAP_TONE_BAD : NEAP_TONE_PLAIN, "%s",
                        cli_number_format(number, class->pins));
    }
    neap_table_finish(table, out);
    if (unused)
        fprintf(out, "%u further slabs hold only blocks that wait in a magazine\n", unused);
}

static void events_print(const struct neap_heap_view *view, FILE *out) {
    static const struct neap_table_column columns[] = {
        {"purge at", false, false}, {"given back", false, false}, {"ranges", false, false},
        {"took", false, false},     {"cause", true, false},
    };
    neap_table_t *table = neap_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (uint32_t i = 0; table && i < view->event_count && i < EVENTS_SHOWN; i++) {
        const struct neap_layout_event *event = &view->heap.events[i];
        char bytes[NEAP_UNITS_ROOM], took[NEAP_UNITS_ROOM];
        neap_table_cell(table, NEAP_TONE_PLAIN, "%.1f s", (double)event->at_ms / 1e3);
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", neap_units_bytes(bytes, event->bytes));
        neap_table_cell(table, NEAP_TONE_PLAIN, "%u", event->ranges);
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", neap_units_ns(took, event->took_ns));
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", cause_name(event->cause));
    }
    neap_table_finish(table, out);
}

/* What it took to share memory between pages, and why it is not done. */
static void meshing_print(const struct neap_layout_heap *heap, FILE *out) {
    char all[NEAP_UNITS_ROOM], longest[NEAP_UNITS_ROOM], number[CLI_NUMBER_ROOM];
    if (heap->mesh_stops > 0)
        fprintf(out, "%s stops of the threads, to share memory between pages, took %s; the longest took %s\n",
                cli_number_format(number, heap->mesh_stops), neap_units_ns(all, heap->mesh_stop_ns),
                neap_units_ns(longest, heap->mesh_stop_most_ns));
    if (heap->mesh_state == NEAP_MESH_PINS)
        fputs("memory is not shared between pages, because pages are locked, or io_uring, native AIO or a "
              "device may write into them at any time\n",
              out);
    else if (heap->mesh_refusal != NEAP_OS_WORLD_FREE)
        fprintf(out, "memory is not shared between pages, because %s\n",
                neap_os_world_refusal_text((enum neap_os_world_refusal)heap->mesh_refusal));
}

void cli_stat_print(const struct neap_live_heap *target, const struct neap_heap_view *view, FILE *out) {
    const struct neap_heap_stats *stats = &view->stats;
    char took[NEAP_UNITS_ROOM], runs[NEAP_UNITS_ROOM], number[4][CLI_NUMBER_ROOM];
    fprintf(out, "process %d (%.50s), on Neap\n\n", (int)target->pid, target->program);
    memory_print(stats, out);
    fprintf(out, "\n%s blocks in %s slabs and %s runs (larger blocks, %s); pins: %s slabs\n",
            cli_number_format(number[0], stats->live_blocks), cli_number_format(number[1], stats->slabs),
            cli_number_format(number[2], stats->runs), neap_units_bytes(runs, view->heap.run_bytes),
            cli_number_format(number[3], stats->pins));
    fprintf(out, "%s purges took %s; a free page is kept for %u ms\n",
            cli_number_format(number[0], stats->purges), neap_units_ns(took, stats->purge_ns),
            view->heap.decay_ms);
    meshing_print(&view->heap, out);
    if (view->rejected_units)
        fprintf(out, "%s of %s units changed while they were read and are not counted\n",
                cli_number_format(number[0], view->rejected_units),
                cli_number_format(number[1], view->units));
    if (stats->slabs) {
        fputc('\n', out);
        classes_print(view, out);
    }
    if (view->event_count) {
        fputc('\n', out);
        events_print(view, out);
    }
}

/* --- JSON -------------------------------------------------------------- */

static json_t *stats_json(const struct neap_heap_stats *stats) {
    json_t *object = json_object();
    neap_json_set(object, "live_bytes", stats->live_bytes);
    neap_json_set(object, "cached_bytes", stats->cached_bytes);
    neap_json_set(object, "free_bytes", stats->free_bytes);
    neap_json_set(object, "dirty_bytes", stats->dirty_bytes);
    neap_json_set(object, "clean_bytes", stats->clean_bytes);
    neap_json_set(object, "resident_bytes", stats->resident_bytes);
    neap_json_set(object, "meshed_bytes", stats->meshed_bytes);
    neap_json_set(object, "peak_bytes", stats->peak_bytes);
    neap_json_set(object, "reserved_bytes", stats->reserved_bytes);
    neap_json_set(object, "metadata_bytes", stats->metadata_bytes);
    neap_json_set(object, "live_blocks", stats->live_blocks);
    neap_json_set(object, "purged_bytes", stats->purged_bytes);
    neap_json_set(object, "refaulted_bytes", stats->refaulted_bytes);
    neap_json_set(object, "purges", stats->purges);
    neap_json_set(object, "purge_ns", stats->purge_ns);
    neap_json_set(object, "slabs", stats->slabs);
    neap_json_set(object, "runs", stats->runs);
    neap_json_set(object, "regions", stats->regions);
    neap_json_set(object, "pins", stats->pins);
    return object;
}

static json_t *class_json(const struct neap_class_view *class) {
    json_t *object = json_object();
    neap_json_set(object, "block_bytes", class->block_bytes);
    neap_json_set(object, "blocks", class->blocks);
    neap_json_set(object, "used_blocks", class->used_blocks);
    neap_json_set(object, "cached_blocks", class->cached_blocks);
    neap_json_set(object, "used_bytes", class_used_bytes(class));
    neap_json_set(object, "slabs", class->slabs);
    neap_json_set(object, "pins", class->pins);
    json_object_set_new(object, "fill", json_real(fill_of(class)));
    return object;
}

static json_t *event_json(const struct neap_layout_event *event) {
    json_t *object = json_object();
    neap_json_set(object, "at_ms", event->at_ms);
    neap_json_set(object, "bytes", event->bytes);
    neap_json_set(object, "ranges", event->ranges);
    neap_json_set(object, "took_ns", event->took_ns);
    json_object_set_new(object, "cause", json_string(cause_name(event->cause)));
    return object;
}

static json_t *meshing_json(const struct neap_layout_heap *heap) {
    json_t *object = json_object();
    neap_json_set(object, "stops", heap->mesh_stops);
    neap_json_set(object, "stop_ns", heap->mesh_stop_ns);
    neap_json_set(object, "longest_stop_ns", heap->mesh_stop_most_ns);
    return object;
}

int cli_stat_print_json(const struct neap_live_heap *target, const struct neap_heap_view *view,
                        const struct neap_os_kernel_settings *kernel, FILE *out) {
    json_t *document = neap_json_document("neap.stat/1");
    json_t *classes = json_array(), *events = json_array();
    for (uint32_t i = 1; i < view->heap.class_count; i++)
        json_array_append_new(classes, class_json(&view->classes[i]));
    for (uint32_t i = 0; i < view->event_count; i++)
        json_array_append_new(events, event_json(&view->heap.events[i]));
    neap_json_set(document, "pid", (uint64_t)target->pid);
    json_object_set_new(document, "program", neap_json_text(target->program));
    json_object_set_new(document, "library", neap_json_text(target->anchor.library));
    neap_json_set(document, "pointer_bytes", target->anchor.pointer_bytes);
    neap_json_set(document, "page_bytes", view->heap.page_bytes);
    neap_json_set(document, "decay_ms", view->heap.decay_ms);
    neap_json_set(document, "run_bytes", view->heap.run_bytes);
    neap_json_set(document, "libc_trimmed_bytes", target->anchor.libc_trimmed_bytes);
    neap_json_set(document, "units", view->units);
    neap_json_set(document, "rejected_units", view->rejected_units);
    json_object_set_new(document, "stats", stats_json(&view->stats));
    json_object_set_new(document, "meshing", meshing_json(&view->heap));
    json_object_set_new(document, "classes", classes);
    json_object_set_new(document, "events", events);
    json_object_set_new(document, "system", cli_kernel_settings_json(kernel));
    return neap_json_print(document, out);
}
