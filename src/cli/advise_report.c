/* cli/advise_report.c: text and JSON of `neap advise`: each advice, its memory now and with each option. */
#include "cli/advise_report.h"

#include "base/units.h"
#include "cli/number_format.h"
#include "report/json.h"
#include "report/terminal.h"

enum { INDENT = 4 };

/* --- text ------------------------------------------------------------------------ */

static const char *own_name(const struct neap_advice *advice) {
    switch (advice->kind) {
    case NEAP_ADVICE_CLASS:
        return "instances";
    case NEAP_ADVICE_STRINGS:
        return "all of them";
    case NEAP_ADVICE_NESTED_TRIE:
        return "its nodes";
    default:
        return "the container";
    }
}

static void costs_print(const struct neap_advice *advice, FILE *out) {
    char own[NEAP_UNITS_ROOM], part[NEAP_UNITS_ROOM];
    fprintf(out, "%*s%s %s", INDENT, "", own_name(advice), neap_units_bytes(own, advice->own_bytes));
    if (advice->key_bytes)
        fprintf(out, ", keys %s", neap_units_bytes(part, advice->key_bytes));
    if (advice->value_bytes)
        fprintf(out, ", %s %s",
                advice->kind == NEAP_ADVICE_CLASS                                             ? "their dicts"
                : advice->kind == NEAP_ADVICE_DICT || advice->kind == NEAP_ADVICE_NESTED_TRIE ? "values"
                                                                                              : "items",
                neap_units_bytes(part, advice->value_bytes));
    fputs(advice->kind == NEAP_ADVICE_CLASS || advice->kind == NEAP_ADVICE_STRINGS ? "\n"
                                                                                   : " (only its own)\n",
          out);
}

/* "dict of 2,000,000 str to int" */
static const char *what_text(const struct neap_advice *advice, bool grouped, char *out, size_t room) {
    char number[CLI_NUMBER_ROOM];
    if (grouped)
        cli_number_format(number, advice->items);
    else
        snprintf(number, sizeof(number), "%llu", (unsigned long long)advice->items);
    snprintf(out, room, "%s%s%s %s", advice->lead, *advice->lead ? " " : "", number, advice->tail);
    return out;
}

static void advice_print(const struct cli_advise_report *report, const struct neap_advice *advice,
                         FILE *out) {
    char owner_path[NEAP_OWNER_PATH_TEXT_ROOM] = "", room[NEAP_OWNER_PATH_TEXT_ROOM], size[NEAP_UNITS_ROOM],
         ratio[NEAP_UNITS_ROOM], what[256];
    unsigned width = neap_terminal_columns(out);
    if (advice->owner_path != NEAP_OWNER_PATH_NONE)
        neap_owner_paths_text(report->analysis->paths, advice->owner_path, owner_path, sizeof(owner_path));
    fprintf(out, "%s: %s\n", neap_units_bytes(size, advice->now_bytes),
            cli_text_cut(room, sizeof(room), what_text(advice, true, what, sizeof(what)), width - 14));
    if (*owner_path)
        fprintf(out, "%*sin %s\n", INDENT, "",
                cli_text_cut(room, sizeof(room), owner_path, width - INDENT - 4));
    costs_print(advice, out);
    for (unsigned i = 0; i < advice->option_count; i++) {
        const struct neap_advice_option *option = &advice->options[i];
        if (option->unmade) {
            fprintf(out, "%*sas %-32s not estimated: too little memory to fill one\n", INDENT, "",
                    option->name);
            continue;
        }
        fprintf(out, "%*sas %-32s %10s  %s\n", INDENT, "", option->name,
                neap_units_bytes(size, option->bytes),
                neap_units_ratio(ratio, (double)option->bytes / (double)advice->now_bytes));
    }
}

static const struct {
    const char *name, *title;
} parts[NEAP_ADVICE_PARTS] = {
    [NEAP_ADVICE_PART_CONTAINERS] = {"containers", "lists, sets and dicts"},
    [NEAP_ADVICE_PART_CLASSES] = {"classes", "instances"},
    [NEAP_ADVICE_PART_STRINGS] = {"strings", "strings"},
    [NEAP_ADVICE_PART_TRIES] = {"tries", "tries of nodes"},
};

static void gaps_print(const struct neap_advices *advices, FILE *out) {
    char number[CLI_NUMBER_ROOM];
    for (unsigned i = 0; i < NEAP_ADVICE_PARTS; i++) {
        const struct neap_advice_gap *gap = &advices->gaps[i];
        if (gap->overlaps)
            fprintf(out, "not examined: %s of the largest containers, with tables that belong to another\n",
                    cli_number_format(number, gap->overlaps));
        if (gap->out_of_budget)
            fprintf(out, "not all examined: %s, which show many times the memory that there is\n",
                    parts[i].title);
        if (gap->out_of_memory)
            fprintf(out, "not all examined: %s, for lack of memory\n", parts[i].title);
    }
}

void cli_advise_print(const struct cli_advise_report *report, FILE *out) {
    const struct neap_advices *advices = report->advices;
    cli_python_print(report->python, neap_census_facts(report->analysis->census)->rejected, out);
    gaps_print(advices, out);
    if (advices->count == 0)
        fprintf(out, "nothing with %d or more items could be held in less memory\n", NEAP_ADVICE_ITEMS_LEAST);
    for (size_t i = 0; i < advices->count && i < report->shown; i++) {
        fputc('\n', out);
        advice_print(report, &advices->list[i], out);
    }
    if (report->shown < advices->count)
        fprintf(out, "\n%zu more save less memory; -n %zu shows them\n", advices->count - report->shown,
                advices->count);
}

/* --- JSON ------------------------------------------------------------------------ */

static json_t *advice_json(const struct cli_advise_report *report, const struct neap_advice *advice) {
    static const char *const kinds[] = {
        [NEAP_ADVICE_LIST] = "list",   [NEAP_ADVICE_SET] = "set",         [NEAP_ADVICE_DICT] = "dict",
        [NEAP_ADVICE_CLASS] = "class", [NEAP_ADVICE_STRINGS] = "strings", [NEAP_ADVICE_NESTED_TRIE] = "trie",
    };
    json_t *object = json_object(), *options = json_array();
    char owner_path[NEAP_OWNER_PATH_TEXT_ROOM], what[256];
    json_object_set_new(object, "kind", json_string(kinds[advice->kind]));
    json_object_set_new(object, "what", neap_json_text(what_text(advice, false, what, sizeof(what))));
    json_object_set_new(
        object, "holder",
        advice->owner_path == NEAP_OWNER_PATH_NONE
            ? json_null()
            : neap_json_text(neap_owner_paths_text(report->analysis->paths, advice->owner_path, owner_path,
                                                   sizeof(owner_path))));
    neap_json_set(object, "items", advice->items);
    neap_json_set(object, "own_bytes", advice->own_bytes);
    neap_json_set(object, "key_bytes", advice->key_bytes);
    neap_json_set(object, "value_bytes", advice->value_bytes);
    neap_json_set(object, "now_bytes", advice->now_bytes);
    for (unsigned i = 0; i < advice->option_count; i++) {
        json_t *option = json_object();
        json_object_set_new(option, "as", json_string(advice->options[i].name));
        if (advice->options[i].unmade)
            json_object_set_new(option, "bytes", json_null());
        else
            neap_json_set(option, "bytes", advice->options[i].bytes);
        json_array_append_new(options, option);
    }
    json_object_set_new(object, "options", options);
    return object;
}

static json_t *gaps_json(const struct neap_advices *advices) {
    json_t *list = json_array();
    for (unsigned i = 0; i < NEAP_ADVICE_PARTS; i++) {
        const struct neap_advice_gap *gap = &advices->gaps[i];
        if (!gap->overlaps && !gap->out_of_budget && !gap->out_of_memory)
            continue;
        json_t *object = json_object();
        json_object_set_new(object, "part", json_string(parts[i].name));
        neap_json_set(object, "overlaps", gap->overlaps);
        json_object_set_new(object, "out_of_budget", json_boolean(gap->out_of_budget));
        json_object_set_new(object, "out_of_memory", json_boolean(gap->out_of_memory));
        json_array_append_new(list, object);
    }
    return list;
}

int cli_advise_print_json(const struct cli_advise_report *report, FILE *out) {
    json_t *document = neap_json_document("neap.advise/1"), *list = json_array();
    cli_python_json(report->python, document);
    neap_json_set(document, "rejected", neap_census_facts(report->analysis->census)->rejected);
    for (size_t i = 0; i < report->advices->count && i < report->shown; i++)
        json_array_append_new(list, advice_json(report, &report->advices->list[i]));
    neap_json_set(document, "advice_count", report->advices->count);
    json_object_set_new(document, "gaps", gaps_json(report->advices));
    json_object_set_new(document, "advice", list);
    return neap_json_print(document, out);
}
