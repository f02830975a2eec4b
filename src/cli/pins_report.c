/* cli/pins_report.c: text and JSON of `neap pins`: groups of pins, then the emptiest arenas or slabs. */
#include "cli/pins_report.h"

#include <string.h>

#include "base/units.h"
#include "cli/number_format.h"
#include "report/json.h"
#include "report/table.h"

enum { FIGURES_COLUMNS = 48, WHAT_COLUMNS_LEAST = 24, PINS_SHOWN = 4 };

static const char *place_name(const struct cli_pins_report *report, bool many) {
    return report->python->view->neap ? many ? "slabs" : "slab" : many ? "arenas" : "arena";
}

/* "str in app.cache._seen" */
static const char *group_text(const struct cli_pins_report *report, const struct neap_pin_group *group,
                              char *out, size_t room) {
    char owner_path[NEAP_OWNER_PATH_TEXT_ROOM];
    if (!group->type)
        return "memory of C code, free lists";
    snprintf(
        out, room, "%s in %s", group->type->name,
        neap_owner_paths_text(report->analysis->paths, group->owner_path, owner_path, sizeof(owner_path)));
    return out;
}

/* --- text ------------------------------------------------------------------------ */

static void summary_print(const struct cli_pins_report *report, FILE *out) {
    const struct neap_pins *pins = report->pins;
    char number[CLI_NUMBER_ROOM], all[NEAP_UNITS_ROOM], some[NEAP_UNITS_ROOM];
    fprintf(out, "%s of ", cli_number_format(number, pins->place_count));
    fprintf(out, "%s %s are less than an eighth full: %s of %s in memory\n",
            cli_number_format(number, pins->place_total), place_name(report, true),
            neap_units_bytes(some, pins->resident_bytes), neap_units_bytes(all, pins->total_bytes));
    if (pins->place_count)
        fprintf(out, "They can go back when the %s blocks in them are freed. These are held by:\n\n",
                cli_number_format(number, pins->pin_count));
}

static void sentences_print(const struct cli_pins_report *report, FILE *out) {
    const struct neap_pins *pins = report->pins;
    bool any = false;
    for (size_t i = 0; i < pins->group_count && i < report->shown; i++) {
        const struct neap_pin_group *group = &pins->groups[i];
        char text[NEAP_OWNER_PATH_TEXT_ROOM + 256], number[CLI_NUMBER_ROOM], bytes[NEAP_UNITS_ROOM];
        if (!group->type || group->alone_places == 0)
            continue;
        fprintf(out, "%s %s (%s) %s held by %s alone\n", cli_number_format(number, group->alone_places),
                place_name(report, group->alone_places != 1), neap_units_bytes(bytes, group->alone_bytes),
                group->alone_places == 1 ? "is" : "are each", group_text(report, group, text, sizeof(text)));
        any = true;
    }
    if (any)
        fputc('\n', out);
}

static void groups_print(const struct cli_pins_report *report, FILE *out) {
    const struct neap_pins *pins = report->pins;
    const struct neap_table_column columns[] = {
        {"Index", false, false},     {"Blocks", false, false},     {place_name(report, true), false, false},
        {"In memory", false, false}, {"Cumulative", false, false}, {"What holds them", true, false},
    };
    neap_table_t *table = neap_table_new(columns, sizeof(columns) / sizeof(columns[0]));
    unsigned width = neap_terminal_columns(out);
    unsigned what =
        width > FIGURES_COLUMNS + WHAT_COLUMNS_LEAST ? width - FIGURES_COLUMNS : WHAT_COLUMNS_LEAST;
    size_t shown = pins->group_count < report->shown ? pins->group_count : report->shown;
    for (size_t i = 0; table && i < shown; i++) {
        const struct neap_pin_group *group = &pins->groups[i];
        char text[NEAP_OWNER_PATH_TEXT_ROOM + 256], room[NEAP_OWNER_PATH_TEXT_ROOM + 256],
            number[CLI_NUMBER_ROOM], bytes[NEAP_UNITS_ROOM];
        neap_table_cell(table, NEAP_TONE_DIM, "%zu", i);
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", cli_number_format(number, group->objects));
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", cli_number_format(number, group->places));
        neap_table_cell(table, NEAP_TONE_STRONG, "%s", neap_units_bytes(bytes, group->place_bytes));
        neap_table_cell(table, NEAP_TONE_PLAIN, "%s", neap_units_bytes(bytes, group->cumulative_bytes));
        neap_table_cell(
            table, NEAP_TONE_PLAIN, "%s",
            cli_text_cut(room, sizeof(room), group_text(report, group, text, sizeof(text)), what));
    }
    if (table)
        neap_table_print(table, out);
    neap_table_destroy(table);
    if (shown < pins->group_count)
        fprintf(out, "%zu more rows; -n %zu shows them\n", pins->group_count - shown, pins->group_count);
}

/* "str, 10 characters, in app.cache._seen" */
static void pin_text(const struct cli_pins_report *report, const struct neap_pin *pin, char *out,
                     size_t room) {
    char what[160] = "memory of C code", owner_path[NEAP_OWNER_PATH_TEXT_ROOM] = "";
    struct neap_py_object object;
    if (pin->object != NEAP_BLOCK_NONE &&
        neap_census_object(report->analysis->census, report->analysis->lens, pin->object, &object)) {
        neap_py_object_describe(report->analysis->lens, &object, report->show_values, what, sizeof(what));
        const struct neap_pin_group *group = &report->pins->groups[pin->group];
        if (group->type)
            neap_owner_paths_text(report->analysis->paths, group->owner_path, owner_path, sizeof(owner_path));
    }
    snprintf(out, room, "%s%s%s%s", pin->object != pin->block && *owner_path ? "buffer of " : "", what,
             *owner_path ? ", in " : "", owner_path);
}

static void places_print(const struct cli_pins_report *report, FILE *out) {
    const struct neap_pins *pins = report->pins;
    unsigned width = neap_terminal_columns(out);
    for (size_t i = 0; i < pins->place_count && i < report->places_shown; i++) {
        const struct neap_pin_place *place = &pins->places[i];
        char bytes[NEAP_UNITS_ROOM], used[NEAP_UNITS_ROOM], number[CLI_NUMBER_ROOM];
        fprintf(out, "%s 0x%llx: %s in memory, %s in %s block%s (%.2f %% full)\n", place_name(report, false),
                (unsigned long long)place->address, neap_units_bytes(bytes, place->resident_bytes),
                neap_units_bytes(used, place->used_bytes), cli_number_format(number, place->used_blocks),
                place->used_blocks == 1 ? "" : "s", 100.0 * (double)place->used_bytes / (double)place->bytes);
        for (uint32_t j = 0; j < place->pin_count && j < PINS_SHOWN; j++) {
            char text[NEAP_OWNER_PATH_TEXT_ROOM + 200], room[NEAP_OWNER_PATH_TEXT_ROOM + 200];
            pin_text(report, &pins->pins[place->first_pin + j], text, sizeof(text));
            fprintf(out, "    %s\n", cli_text_cut(room, sizeof(room), text, width - 5));
        }
        if (place->pin_count > PINS_SHOWN)
            fprintf(out, "    %s more\n", cli_number_format(number, place->pin_count - PINS_SHOWN));
    }
}

void cli_pins_print(const struct cli_pins_report *report, FILE *out) {
    cli_python_print(report->python, neap_census_facts(report->analysis->census)->rejected, out);
    summary_print(report, out);
    if (report->pins->place_count == 0)
        return;
    sentences_print(report, out);
    groups_print(report, out);
    if (report->places_shown) {
        fprintf(out, "\nThe emptiest %s:\n", place_name(report, true));
        places_print(report, out);
    }
}

/* --- JSON ------------------------------------------------------------------------ */

static void set_address(json_t *object, uint64_t address) {
    char text[32];
    snprintf(text, sizeof(text), "0x%llx", (unsigned long long)address);
    json_object_set_new(object, "address", json_string(text));
}

static json_t *group_json(const struct cli_pins_report *report, const struct neap_pin_group *group) {
    json_t *object = json_object();
    char owner_path[NEAP_OWNER_PATH_TEXT_ROOM] = "";
    if (group->type)
        neap_owner_paths_text(report->analysis->paths, group->owner_path, owner_path, sizeof(owner_path));
    json_object_set_new(object, "type", group->type ? neap_json_text(group->type->name) : json_null());
    json_object_set_new(object, "holder", group->type ? neap_json_text(owner_path) : json_null());
    neap_json_set(object, "blocks", group->objects);
    neap_json_set(object, "block_bytes", group->bytes);
    neap_json_set(object, "places", group->places);
    neap_json_set(object, "resident_bytes", group->place_bytes);
    neap_json_set(object, "alone_places", group->alone_places);
    neap_json_set(object, "alone_bytes", group->alone_bytes);
    neap_json_set(object, "cumulative_bytes", group->cumulative_bytes);
    return object;
}

static json_t *pin_json(const struct cli_pins_report *report, const struct neap_pin *pin) {
    json_t *object = json_object();
    char what[160];
    struct neap_py_object found;
    const neap_block_index_t *index = neap_census_index(report->analysis->census);
    const struct neap_block_span *span = neap_block_index_span(index, pin->block);
    set_address(object, neap_block_address(span, pin->block));
    neap_json_set(object, "group", pin->group);
    if (pin->object != NEAP_BLOCK_NONE &&
        neap_census_object(report->analysis->census, report->analysis->lens, pin->object, &found)) {
        neap_py_object_describe(report->analysis->lens, &found, report->show_values, what, sizeof(what));
        json_object_set_new(object, "what", neap_json_text(what));
        json_object_set_new(object, "buffer", json_boolean(pin->object != pin->block));
    }
    return object;
}

static json_t *place_json(const struct cli_pins_report *report, const struct neap_pin_place *place) {
    json_t *object = json_object(), *pins = json_array();
    set_address(object, place->address);
    neap_json_set(object, "bytes", place->bytes);
    neap_json_set(object, "resident_bytes", place->resident_bytes);
    neap_json_set(object, "used_bytes", place->used_bytes);
    neap_json_set(object, "used_blocks", place->used_blocks);
    neap_json_set(object, "groups", place->group_count);
    for (uint32_t i = 0; i < place->pin_count; i++)
        json_array_append_new(pins, pin_json(report, &report->pins->pins[place->first_pin + i]));
    json_object_set_new(object, "pins", pins);
    return object;
}

int cli_pins_print_json(const struct cli_pins_report *report, FILE *out) {
    const struct neap_pins *pins = report->pins;
    json_t *document = neap_json_document("neap.pins/1"), *groups = json_array(), *places = json_array();
    cli_python_json(report->python, document);
    neap_json_set(document, "rejected", neap_census_facts(report->analysis->census)->rejected);
    neap_json_set(document, "place_total", pins->place_total);
    neap_json_set(document, "total_bytes", pins->total_bytes);
    neap_json_set(document, "place_count", pins->place_count);
    neap_json_set(document, "resident_bytes", pins->resident_bytes);
    neap_json_set(document, "pin_count", pins->pin_count);
    neap_json_set(document, "group_count", pins->group_count);
    for (size_t i = 0; i < pins->group_count && i < report->shown; i++)
        json_array_append_new(groups, group_json(report, &pins->groups[i]));
    for (size_t i = 0; i < pins->place_count && i < report->places_shown; i++)
        json_array_append_new(places, place_json(report, &pins->places[i]));
    json_object_set_new(document, "groups", groups);
    json_object_set_new(document, "places", places);
    return neap_json_print(document, out);
}
