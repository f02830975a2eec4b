/* cli/verb_advise.c: `neap advise PID|--core FILE`. */
#include <stdlib.h>

#include "base/units.h"
#include "cli/figure.h"
#include "cli/output.h"
#include "cli/python_argument.h"
#include "cli/verb.h"
#include "advice/advice.h"
#include "report/json.h"
#include "report/terminal.h"

enum { ROWS_SHOWN = 5, SHOWN_MAX = 10000, CONTAINERS = 64, INDENT = 4 };

static const struct cli_usage usage = {
    .verb = "advise",
    .synopsis = "[options] PID | --core FILE",
    .about = "Names what holds the most memory in a running Python that could be held in less: what it takes "
             "now, and what its very contents would take as an array, with __slots__, interned, in neap.Map, "
             "Trie or Bits, SQLite or Redis. Sizes are those of sys.getsizeof, summed; items that others "
             "refer to as well are left out.",
    .mixed = true,
};

struct advised {
    struct cli_python python;
    neap_census_t *census;
    neap_referrers_t *referrers;
    neap_holders_t *holders;
    struct neap_advices advices;
    uint64_t shown; /* at most */
};

/* --- text ------------------------------------------------------------------------ */

static const char *own_name(const struct neap_advice *advice) {
    switch (advice->kind) {
    case NEAP_ADVICE_CLASS:
        return "instances";
    case NEAP_ADVICE_STRINGS:
        return "all of them";
    case NEAP_ADVICE_NEST:
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
                advice->kind == NEAP_ADVICE_CLASS                                      ? "their dicts"
                : advice->kind == NEAP_ADVICE_DICT || advice->kind == NEAP_ADVICE_NEST ? "values"
                                                                                       : "items",
                neap_units_bytes(part, advice->value_bytes));
    fputs(advice->kind == NEAP_ADVICE_CLASS || advice->kind == NEAP_ADVICE_STRINGS ? "\n"
                                                                                   : " (only its own)\n",
          out);
}

/* "dict of 2,000,000 str to int" */
static const char *what_text(const struct neap_advice *advice, bool grouped, char *out, size_t room) {
    char number[CLI_FIGURE_ROOM];
    if (grouped)
        cli_figure(number, advice->items);
    else
        snprintf(number, sizeof(number), "%llu", (unsigned long long)advice->items);
    snprintf(out, room, "%s%s%s %s", advice->lead, *advice->lead ? " " : "", number, advice->tail);
    return out;
}

static void advice_print(const struct advised *advised, const struct neap_advice *advice, FILE *out) {
    char holder[NEAP_HOLDER_TEXT_ROOM] = "", room[NEAP_HOLDER_TEXT_ROOM], size[NEAP_UNITS_ROOM],
         ratio[NEAP_UNITS_ROOM], what[256];
    unsigned width = neap_terminal_columns(out);
    if (advice->holder != NEAP_HOLDER_NONE)
        neap_holders_text(advised->holders, advice->holder, holder, sizeof(holder));
    fprintf(out, "%s: %s\n", neap_units_bytes(size, advice->now_bytes),
            cli_figure_cut(room, sizeof(room), what_text(advice, true, what, sizeof(what)), width - 14));
    if (*holder)
        fprintf(out, "%*sin %s\n", INDENT, "",
                cli_figure_cut(room, sizeof(room), holder, width - INDENT - 4));
    costs_print(advice, out);
    for (unsigned i = 0; i < advice->option_count; i++) {
        const struct neap_advice_option *option = &advice->options[i];
        fprintf(out, "%*sas %-32s %10s  %s\n", INDENT, "", option->name,
                neap_units_bytes(size, option->bytes),
                neap_units_ratio(ratio, (double)option->bytes / (double)advice->now_bytes));
    }
}

static int text(const void *report, FILE *out) {
    const struct advised *advised = report;
    const struct neap_advices *advices = &advised->advices;
    cli_python_print(&advised->python, neap_census_facts(advised->census)->rejected, out);
    if (advices->count == 0)
        fprintf(out, "nothing of %d items or more could be held in less\n", NEAP_ADVICE_ITEMS_LEAST);
    for (size_t i = 0; i < advices->count && i < advised->shown; i++) {
        fputc('\n', out);
        advice_print(advised, &advices->list[i], out);
    }
    if (advised->shown < advices->count)
        fprintf(out, "\n%zu more with less to save; -n %zu shows them\n",
                advices->count - (size_t)advised->shown, advices->count);
    return NEAP_OK;
}

/* --- JSON ------------------------------------------------------------------------ */

static json_t *advice_json(const struct advised *advised, const struct neap_advice *advice) {
    static const char *const kinds[] = {
        [NEAP_ADVICE_LIST] = "list",   [NEAP_ADVICE_SET] = "set",         [NEAP_ADVICE_DICT] = "dict",
        [NEAP_ADVICE_CLASS] = "class", [NEAP_ADVICE_STRINGS] = "strings", [NEAP_ADVICE_NEST] = "trie",
    };
    json_t *object = json_object(), *options = json_array();
    char holder[NEAP_HOLDER_TEXT_ROOM], what[256];
    json_object_set_new(object, "kind", json_string(kinds[advice->kind]));
    json_object_set_new(object, "what", neap_json_text(what_text(advice, false, what, sizeof(what))));
    json_object_set_new(
        object, "holder",
        advice->holder == NEAP_HOLDER_NONE
            ? json_null()
            : neap_json_text(neap_holders_text(advised->holders, advice->holder, holder, sizeof(holder))));
    neap_json_set(object, "items", advice->items);
    neap_json_set(object, "own_bytes", advice->own_bytes);
    neap_json_set(object, "key_bytes", advice->key_bytes);
    neap_json_set(object, "value_bytes", advice->value_bytes);
    neap_json_set(object, "now_bytes", advice->now_bytes);
    for (unsigned i = 0; i < advice->option_count; i++) {
        json_t *option = json_object();
        json_object_set_new(option, "as", json_string(advice->options[i].name));
        neap_json_set(option, "bytes", advice->options[i].bytes);
        json_array_append_new(options, option);
    }
    json_object_set_new(object, "options", options);
    return object;
}

static int json(const void *report, FILE *out) {
    const struct advised *advised = report;
    json_t *document = neap_json_document("neap.advise/1"), *list = json_array();
    cli_python_json(&advised->python, document);
    neap_json_set(document, "rejected", neap_census_facts(advised->census)->rejected);
    for (size_t i = 0; i < advised->advices.count && i < advised->shown; i++)
        json_array_append_new(list, advice_json(advised, &advised->advices.list[i]));
    neap_json_set(document, "advice_count", advised->advices.count);
    json_object_set_new(document, "advice", list);
    return neap_json_print(document, out);
}

/* --- the verb -------------------------------------------------------------------- */

static int find(struct advised *advised) {
    struct cli_python *python = &advised->python;
    int error = neap_census_make(python->view, cli_python_threads(python), &advised->census);
    if (error == NEAP_OK)
        error = neap_referrers_make(advised->census, &advised->referrers);
    if (error == NEAP_OK && !(advised->holders = neap_holders_new(advised->referrers)))
        error = NEAP_ERROR_MEMORY;
    return error == NEAP_OK
               ? neap_advice_find(advised->referrers, advised->holders, CONTAINERS, &advised->advices)
               : error;
}

static void advised_clear(struct advised *advised) {
    neap_advice_clear(&advised->advices);
    neap_holders_destroy(advised->holders);
    neap_referrers_destroy(advised->referrers);
    neap_census_destroy(advised->census);
    cli_python_close(&advised->python);
}

static int run(int argc, char **argv) {
    static const struct cli_output_forms forms = {.text = text, .json = json};
    struct advised advised = {.shown = ROWS_SHOWN};
    struct cli_output output = {0};
    struct cli_snapshot_options options = {0};
    const struct cli_option table[] = {
        {.name = "rows",
         .letter = 'n',
         .argument = "N",
         .help = "show so many (5)",
         .kind = CLI_INTEGER,
         .target = &advised.shown,
         .least = 1,
         .most = SHOWN_MAX},
        CLI_SNAPSHOT_OPTIONS(&options),
        CLI_OUTPUT_JSON(&output, "neap.advise/1"),
        {.name = NULL},
    };
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code == CLI_GO_ON)
        code = cli_output_check(&output);
    if (code == CLI_GO_ON)
        code = cli_python_open("advise", &options, argc - rest, argv + rest, &advised.python);
    if (code != CLI_GO_ON)
        return code;
    int error = find(&advised);
    cli_python_release(&advised.python);
    code = error == NEAP_OK ? cli_output_write(&output, &forms, &advised)
                            : cli_error(CLI_EXIT_FAILED, "cannot advise: %s: try again, or --low-memory",
                                        neap_error_text(error));
    advised_clear(&advised);
    return code;
}

const struct cli_verb cli_verb_advise = {"advise", "what could be held in less memory, and how", run};
