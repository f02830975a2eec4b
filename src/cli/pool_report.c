/* cli/pool_report.c: tables and JSON of `neap stat` for a Python on its own allocator. */
#include "cli/pool_report.h"

#include <jansson.h>

#include "base/units.h"
#include "cli/number_format.h"
#include "cli/memory_table.h"
#include "report/json.h"
#include "report/table.h"

enum { VERSION_ROOM = 24 };

/* Writes "3.11.2", or "3.10" if the process does not tell more. */
static const char *version_text(const struct neap_live_pymalloc *target, char out[VERSION_ROOM]) {
    uint32_t hex = target->version.hex;
    if (hex)
        snprintf(out, VERSION_ROOM, "%u.%u.%u", hex >> 24 & 0xff, hex >> 16 & 0xff, hex >> 8 & 0xff);
    else
        snprintf(out, VERSION_ROOM, "3.%u", target->version.layout->minor);
    return out;
}

static double fill_of(const struct neap_pymalloc_class *class) {
    uint64_t blocks = class->used_blocks + class->free_blocks;
    return blocks ? (double)class->used_blocks / (double)blocks : 0;
}

/* --- text -------------------------------------------------------------- */

static void memory_print(const struct neap_pymalloc_stats *stats, FILE *out) {
    const struct cli_memory_line lines[] = {
        {"live", stats->used_bytes, "blocks in use"},
        {"free", stats->free_bytes, "free blocks in pools that also hold live blocks"},
        {"free pools", stats->free_pool_bytes, "pools without a block, in arenas that have some"},
        {"heads", stats->header_bytes, "headers of pools"},
        {"tails", stats->quantization_bytes, "ends of pools, too short for another block"},
        {"alignment", stats->alignment_bytes, "parts of arenas lost to the alignment of pools"},
        {"arenas", stats->arena_bytes, "the sum of the six above, taken from the system"},
    };
    cli_memory_table_print(lines, sizeof(lines) / sizeof(lines[0]), out);
}

static void classes_print(const struct neap_pymalloc_stats *stats, FILE *out) {
    static const struct neap_table_column columns[] = {
        {"block", false, false}, {"used", false, false},  {"free", false, false},
        {"bytes", false, false}, {"pools", false, false}, {"fill", false, false},
    };
    neap_table_t *table = neap_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (unsigned i = 0; table && i < NEAP_PYMALLOC_CLASSES; i++) {
        const struct neap_pymalloc_class *class = &stats->classes[i];
        char text[NEAP_UNITS_ROOM], number[CLI_NUMBER_ROOM];
        if (class->pools == 0)
            continue;
        neap_table_cell(table, NEAP_TONE_STRONG, "%u", class->block_bytes);
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", cli_number_format(number, class->used_blocks));
        neap_table_cell(table, NEAP_TONE_DIM, "%s", cli_number_format(number, class->free_blocks));
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s",
                        neap_units_bytes(text, class->used_blocks * class->block_bytes));
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", cli_number_format(number, class->pools));
        neap_table_cell(table, NEAP_TONE_PLAIN, "%.0f %%", 100 * fill_of(class));
    }
    neap_table_finish(table, out);
}

/* Whether the process was started under Neap, which does not serve it. */
static bool is_refused(const struct neap_live_heap *process) {
    return process->neap && process->anchor.state == NEAP_STATE_REFUSED;
}

/* Prints further facts, one line each. */
static void notes_print(const struct neap_live_heap *process, const struct neap_live_pymalloc_view *view,
                        FILE *out) {
    const struct neap_pymalloc_stats *stats = &view->stats;
    if (is_refused(process))
        fprintf(out, "Neap does not serve it: %s\n", process->anchor.reason);
    if (view->allocator == NEAP_PY_ALLOCATOR_IDLE)
        fprintf(out, "CPython's allocator is not used: PYTHONMALLOC or the program has replaced it by\n"
                     "another, which serves all blocks\n");
    if (view->allocator == NEAP_PY_ALLOCATOR_PYMALLOC_DEBUG)
        fprintf(out, "debug hooks are on (PYTHONMALLOC=debug, -X dev): each block has padding around it\n");
    if (view->spaces > 1)
        fprintf(out, "%u heaps: each interpreter with a GIL of its own has arenas of its own\n",
                view->spaces);
    if (view->rejected_arenas || stats->rejected_pools)
        fprintf(out, "%llu arenas and %llu pools changed while they were read and are not counted\n",
                (unsigned long long)view->rejected_arenas, (unsigned long long)stats->rejected_pools);
}

void cli_pool_print(const struct neap_live_pymalloc *target, const struct neap_live_heap *process,
                    const struct neap_live_pymalloc_view *view, FILE *out) {
    const struct neap_pymalloc_stats *stats = &view->stats;
    char version[VERSION_ROOM], number[4][CLI_NUMBER_ROOM];
    fprintf(out, "process %d (%.50s), CPython %s on its own allocator\n\n", (int)process->pid,
            process->program, version_text(target, version));
    if (view->allocator != NEAP_PY_ALLOCATOR_IDLE) {
        memory_print(stats, out);
        fprintf(out, "\n%s blocks in %s pools of %s arenas; pins: %s arenas\n",
                cli_number_format(number[0], stats->used_blocks), cli_number_format(number[1], stats->pools),
                cli_number_format(number[2], stats->arenas), cli_number_format(number[3], stats->pins));
    }
    notes_print(process, view, out);
    if (stats->pools) {
        fputc('\n', out);
        classes_print(stats, out);
    }
}

/* --- JSON -------------------------------------------------------------- */

static const char *allocator_name(enum neap_py_allocator allocator) {
    switch (allocator) {
    case NEAP_PY_ALLOCATOR_PYMALLOC:
        return "pymalloc";
    case NEAP_PY_ALLOCATOR_PYMALLOC_DEBUG:
        return "pymalloc_debug";
    case NEAP_PY_ALLOCATOR_IDLE:
        return "other";
    default:
        return "unknown";
    }
}

static json_t *stats_json(const struct neap_pymalloc_stats *stats) {
    json_t *object = json_object();
    neap_json_set(object, "arenas", stats->arenas);
    neap_json_set(object, "arena_bytes", stats->arena_bytes);
    neap_json_set(object, "pins", stats->pins);
    neap_json_set(object, "pools", stats->pools);
    neap_json_set(object, "free_pools", stats->free_pools);
    neap_json_set(object, "live_blocks", stats->used_blocks);
    neap_json_set(object, "live_bytes", stats->used_bytes);
    neap_json_set(object, "free_bytes", stats->free_bytes);
    neap_json_set(object, "free_pool_bytes", stats->free_pool_bytes);
    neap_json_set(object, "header_bytes", stats->header_bytes);
    neap_json_set(object, "quantization_bytes", stats->quantization_bytes);
    neap_json_set(object, "alignment_bytes", stats->alignment_bytes);
    /* The allocator's own counters can be found from 3.12 on. */
    if (stats->arenas_total) {
        neap_json_set(object, "arenas_total", stats->arenas_total);
        neap_json_set(object, "arenas_highwater", stats->arenas_highwater);
    }
    return object;
}

static json_t *class_json(const struct neap_pymalloc_class *class) {
    json_t *object = json_object();
    neap_json_set(object, "block_bytes", class->block_bytes);
    neap_json_set(object, "pools", class->pools);
    neap_json_set(object, "blocks", class->used_blocks + class->free_blocks);
    neap_json_set(object, "used_blocks", class->used_blocks);
    neap_json_set(object, "free_blocks", class->free_blocks);
    neap_json_set(object, "used_bytes", class->used_blocks * class->block_bytes);
    json_object_set_new(object, "fill", json_real(fill_of(class)));
    return object;
}

int cli_pool_print_json(const struct neap_live_pymalloc *target, const struct neap_live_heap *process,
                        const struct neap_live_pymalloc_view *view,
                        const struct neap_os_kernel_settings *kernel, FILE *out) {
    char version[VERSION_ROOM];
    json_t *document = neap_json_document("neap.pools/1"), *classes = json_array();
    for (unsigned i = 0; i < NEAP_PYMALLOC_CLASSES; i++)
        json_array_append_new(classes, class_json(&view->stats.classes[i]));
    neap_json_set(document, "pid", (uint64_t)process->pid);
    json_object_set_new(document, "program", neap_json_text(process->program));
    json_object_set_new(document, "version", json_string(version_text(target, version)));
    json_object_set_new(document, "allocator", json_string(allocator_name(view->allocator)));
    neap_json_set(document, "heaps", view->spaces);
    neap_json_set(document, "rejected_arenas", view->rejected_arenas);
    neap_json_set(document, "rejected_pools", view->stats.rejected_pools);
    if (is_refused(process))
        json_object_set_new(document, "refused", neap_json_text(process->anchor.reason));
    json_object_set_new(document, "stats", stats_json(&view->stats));
    json_object_set_new(document, "classes", classes);
    json_object_set_new(document, "system", cli_kernel_settings_json(kernel));
    return neap_json_print(document, out);
}
