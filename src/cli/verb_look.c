/* cli/verb_look.c: `neap look PID|--core FILE`. */
#include <stdlib.h>
#include <string.h>

#include "cli/look_report.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "inspect/space/image_survey.h"

enum { ROWS_SHOWN = 10, SHOWN_MAX = 100000 };

static const struct cli_usage usage = {
    .verb = "look",
    .synopsis = "[options] PID | --core FILE",
    .about =
        "Counts all objects of a running Python from outside, by type, owner, size or age, each with its "
        "buffers; then accounts for every byte of its resident memory. The program needs no preparation; "
        "it stands still while its memory is copied.",
    .mixed = true,
};

struct look {
    const char *by, *type;
    uint64_t shown;
    bool show_values;
    struct cli_output output;
    enum neap_census_key key;
    struct cli_python python;
    neap_census_t *census;
    neap_referrers_t *referrers;
    neap_holders_t *holders;
    struct neap_census_rows rows;
    struct neap_memory_account account;
    struct neap_largest *largest;
    struct cli_look_object *objects;
    size_t object_count;
    uint64_t object_total;
};

static bool key_parse(const char *text, enum neap_census_key *key) {
    static const struct {
        const char *name;
        enum neap_census_key key;
    } keys[] = {
        {"type", NEAP_CENSUS_TYPE},
        {"owner", NEAP_CENSUS_OWNER},
        {"size", NEAP_CENSUS_SIZE},
        {"age-of-arena", NEAP_CENSUS_ARENA},
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i].name, text) == 0) {
            *key = keys[i].key;
            return true;
        }
    return false;
}

/* --- the largest of a type ------------------------------------------------------- */

static bool referrer_add(void *context, uint32_t object, uint32_t referrer) {
    struct look *look = context;
    for (size_t i = 0; i < look->object_count; i++) {
        struct cli_look_object *one = &look->objects[i];
        if (one->largest.ordinal != object)
            continue;
        one->referrer_total++;
        if (one->referrer_count == CLI_LOOK_REFERRERS)
            continue;
        char path[NEAP_HOLDER_TEXT_ROOM];
        struct neap_py_lens *lens = malloc(sizeof(*lens));
        struct neap_py_object from;
        if (!lens)
            return false;
        neap_py_lens_init(lens, look->python.view->types);
        if (neap_census_object(look->census, lens, referrer, &from)) {
            uint32_t holder = neap_holders_of(look->holders, referrer);
            snprintf(one->referrers[one->referrer_count++], sizeof(one->referrers[0]), "%.30s in %.45s",
                     from.type->name, neap_holders_text(look->holders, holder, path, sizeof(path)));
        }
        free(lens);
    }
    return true;
}

static int objects_describe(struct look *look) {
    struct neap_py_lens *lens = malloc(sizeof(*lens));
    uint32_t *ordinals = calloc(look->object_count + 1, sizeof(*ordinals));
    int error = lens && ordinals ? NEAP_OK : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK)
        neap_py_lens_init(lens, look->python.view->types);
    for (size_t i = 0; i < look->object_count && error == NEAP_OK; i++) {
        struct cli_look_object *one = &look->objects[i];
        struct neap_py_object object;
        one->largest = look->largest[i];
        ordinals[i] = one->largest.ordinal;
        if (neap_census_object(look->census, lens, ordinals[i], &object))
            neap_py_object_describe(lens, &object, look->show_values, one->what, sizeof(one->what));
        neap_holders_text(look->holders, neap_holders_of(look->holders, ordinals[i]), one->path,
                          sizeof(one->path));
    }
    if (error == NEAP_OK)
        error = neap_referrers_each(look->referrers, ordinals, look->object_count, referrer_add, look);
    free(ordinals);
    free(lens);
    return error;
}

static int largest_find(struct look *look) {
    look->largest = calloc((size_t)look->shown + 1, sizeof(*look->largest));
    look->objects = calloc((size_t)look->shown + 1, sizeof(*look->objects));
    if (!look->largest || !look->objects)
        return NEAP_ERROR_MEMORY;
    int error = neap_largest_find(look->census, look->type, (size_t)look->shown, look->largest,
                                  &look->object_count, &look->object_total);
    return error == NEAP_OK ? objects_describe(look) : error;
}

/* --- the census -------------------------------------------------------------------- */

static int account(struct look *look) {
    const struct neap_python_view *view = look->python.view;
    struct neap_glibc_facts glibc;
    struct neap_account_heap heap;
    int error = neap_image_survey(look->python.snapshot, view->neap ? NULL : &view->blocks,
                                  view->neap ? &view->heap : NULL, view->neap ? &view->blocks : NULL, &glibc);
    if (error != NEAP_OK)
        return error;
    neap_census_account(look->census, &heap);
    neap_memory_account_make(view->image, &heap, &look->account);
    return NEAP_OK;
}

static int count(struct look *look) {
    struct cli_python *python = &look->python;
    int error = neap_census_make(python->view, cli_python_threads(python), &look->census);
    if (error == NEAP_OK && (look->type || look->key == NEAP_CENSUS_OWNER)) {
        error = neap_referrers_make(look->census, &look->referrers);
        if (error == NEAP_OK && !(look->holders = neap_holders_new(look->referrers)))
            error = NEAP_ERROR_MEMORY;
    }
    if (error != NEAP_OK)
        return error;
    if (look->type)
        error = largest_find(look);
    else
        error = neap_census_rows_make(look->census, look->key, look->referrers, look->holders, &look->rows);
    return error == NEAP_OK ? account(look) : error;
}

static int text(const void *report, FILE *out) {
    cli_look_print(report, out);
    return NEAP_OK;
}

static int json(const void *report, FILE *out) {
    return cli_look_print_json(report, out);
}

static int report_write(const struct look *look) {
    static const struct cli_output_forms forms = {.text = text, .json = json};
    const struct cli_look_report report = {
        .python = &look->python,
        .census = look->census,
        .account = &look->account,
        .by = look->by,
        .by_arena = look->key == NEAP_CENSUS_ARENA,
        .rows = &look->rows,
        .shown = (size_t)look->shown,
        .type = look->type,
        .objects = look->objects,
        .object_count = look->object_count,
        .object_total = look->object_total,
    };
    return cli_output_write(&look->output, &forms, &report);
}

static void look_clear(struct look *look) {
    neap_census_rows_clear(&look->rows);
    free(look->largest);
    free(look->objects);
    neap_holders_destroy(look->holders);
    neap_referrers_destroy(look->referrers);
    neap_census_destroy(look->census);
    cli_python_close(&look->python);
}

static int failed(const struct look *look, int error) {
    switch (error) {
    case NEAP_ERROR_ABSENT:
        return cli_error(CLI_EXIT_FAILED, "no type named %s in it: `neap look` without --type lists them",
                         look->type);
    case NEAP_ERROR_MEMORY:
        return cli_error(CLI_EXIT_FAILED, "no memory left to count the objects: use --low-memory");
    default:
        return cli_error(CLI_EXIT_FAILED, "cannot look: %s: try again", neap_error_text(error));
    }
}

static int run(int argc, char **argv) {
    struct look look = {.by = "type", .shown = ROWS_SHOWN};
    struct cli_snapshot_options options = {0};
    const struct cli_option table[] = {
        {.name = "by",
         .argument = "WHAT",
         .help = "rows by type, owner, size, or age-of-arena (type)",
         .kind = CLI_STRING,
         .target = &look.by},
        {.name = "rows",
         .letter = 'n',
         .argument = "N",
         .help = "show so many rows (10)",
         .kind = CLI_INTEGER,
         .target = &look.shown,
         .least = 1,
         .most = SHOWN_MAX},
        {.name = "type",
         .argument = "NAME",
         .help = "list the largest objects of this type instead, and what refers to them",
         .kind = CLI_STRING,
         .target = &look.type},
        {.name = "show-values",
         .help = "with --type: show what the objects contain",
         .kind = CLI_FLAG,
         .target = &look.show_values},
        CLI_SNAPSHOT_OPTIONS(&options),
        CLI_OUTPUT_JSON(&look.output, "neap.look/1"),
        {.name = NULL},
    };
    int rest;
    int code = cli_options_parse(table, &usage, argc, argv, &rest);
    if (code != CLI_GO_ON)
        return code;
    if (!key_parse(look.by, &look.key))
        return cli_error(CLI_EXIT_USAGE, "no rows by %s: give --by type, owner, size or age-of-arena",
                         look.by);
    code = cli_output_check(&look.output);
    if (code == CLI_GO_ON)
        code = cli_python_open("look", &options, argc - rest, argv + rest, &look.python);
    if (code != CLI_GO_ON)
        return code;
    int error = count(&look);
    cli_python_release(&look.python);
    code = error == NEAP_OK ? report_write(&look) : failed(&look, error);
    look_clear(&look);
    return code;
}

const struct cli_verb cli_verb_look = {"look", "count all objects of a running Python", run};
