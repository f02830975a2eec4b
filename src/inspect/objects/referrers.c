/* inspect/objects/referrers.c: a breadth-first walk from the roots. */
#include "inspect/objects/referrers.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/word.h"

#define ROOT_BIT UINT32_C(0x80000000)

enum {
    ROOTS_MAX = 1 << 20,
    NAME_ROOM = 200,
    PREFIX_MAX = 32, /* bytes before an object in its block */
};

struct neap_referrers {
    const neap_census_t *census;
    const neap_block_index_t *index;
    uint32_t count;   /* of blocks */
    uint32_t *parent; /* ordinal, ROOT_BIT + root, or NEAP_BLOCK_NONE */
    uint32_t *order;  /* objects reached; those from `done` on have not been visited */
    uint32_t reached, done, room;
    struct neap_root *roots;
    uint32_t root_count, root_room;
    struct neap_py_lens lens;
    uint32_t at; /* the object that is being visited */
    bool out_of_memory;
};

/* --- reaching ------------------------------------------------------------------ */

bool neap_referrers_resolve(const neap_census_t *census, const struct neap_py_referent *referent,
                            uint32_t *ordinal) {
    const neap_block_index_t *index = neap_census_index(census);
    uint32_t found = neap_block_index_find(index, referent->address);
    if (found == NEAP_BLOCK_NONE || !neap_census_is_object(census, found))
        return false;
    const struct neap_block_span *span = neap_block_index_span(index, found);
    uint64_t distance = referent->address - neap_block_address(span, found);
    if (distance > PREFIX_MAX || distance % NEAP_PY_GC_HEAD != 0)
        return false;
    *ordinal = found;
    return true;
}

static void reach(neap_referrers_t *referrers, uint32_t ordinal, uint32_t parent) {
    if (referrers->parent[ordinal] != NEAP_BLOCK_NONE)
        return;
    if (!NEAP_ARRAY_RESERVE(referrers->order, referrers->room, (uint64_t)referrers->reached + 1)) {
        referrers->out_of_memory = true;
        return;
    }
    referrers->parent[ordinal] = parent;
    referrers->order[referrers->reached++] = ordinal;
}

static bool referent_reach(void *context, const struct neap_py_referent *referent) {
    neap_referrers_t *referrers = context;
    uint32_t ordinal;
    if (neap_referrers_resolve(referrers->census, referent, &ordinal))
        reach(referrers, ordinal, referrers->at);
    return !referrers->out_of_memory;
}

/* sys.modules refers to all modules; each module is a root of its own. */
static bool is_sealed(const neap_referrers_t *referrers, uint32_t ordinal) {
    uint32_t parent = referrers->parent[ordinal];
    return parent & ROOT_BIT && referrers->roots[parent & ~ROOT_BIT].kind == NEAP_ROOT_MODULES;
}

static void drain(neap_referrers_t *referrers) {
    while (referrers->done < referrers->reached && !referrers->out_of_memory) {
        struct neap_py_object object;
        referrers->at = referrers->order[referrers->done++];
        if (!is_sealed(referrers, referrers->at) &&
            neap_census_object(referrers->census, &referrers->lens, referrers->at, &object))
            neap_py_object_visit(&referrers->lens, &object, referent_reach, referrers);
    }
}

/* --- roots ---------------------------------------------------------------------- */

static char *text_copy(const char *text) {
    return text ? strdup(text) : NULL;
}

/* Adds a root; returns ROOT_BIT and its index. If there are too many, the last one is used again. */
static uint32_t root_new(neap_referrers_t *referrers, enum neap_root_kind kind, const char *name,
                         const char *place) {
    if (referrers->root_count == ROOTS_MAX)
        return ROOT_BIT | (ROOTS_MAX - 1);
    if (!NEAP_ARRAY_RESERVE(referrers->roots, referrers->root_room, referrers->root_count + 1)) {
        referrers->out_of_memory = true;
        return ROOT_BIT;
    }
    referrers->roots[referrers->root_count] =
        (struct neap_root){(uint8_t)kind, text_copy(name), text_copy(place)};
    return ROOT_BIT | referrers->root_count++;
}

/* Finds the ordinal of the object at `address`; false if the census has none. */
static bool object_find(const neap_referrers_t *referrers, uint64_t address, uint32_t *ordinal) {
    const struct neap_py_referent referent = {.address = address, .exact = true};
    return neap_referrers_resolve(referrers->census, &referent, ordinal);
}

struct module_walk {
    neap_referrers_t *referrers;
    bool main; /* only __main__, or all others; an object that a module shares with __main__ belongs to the
                  module */
};

static bool module_root(void *context, const struct neap_py_referent *referent) {
    struct module_walk *walk = context;
    neap_referrers_t *referrers = walk->referrers;
    uint32_t ordinal;
    char name[NAME_ROOM];
    if (referent->edge != NEAP_PY_EDGE_VALUE || !object_find(referrers, referent->address, &ordinal))
        return true;
    if (!neap_py_object_text(&referrers->lens, referent->key, name, sizeof(name)))
        strcpy(name, "?");
    if ((strcmp(name, "__main__") == 0) == walk->main)
        reach(referrers, ordinal, root_new(referrers, NEAP_ROOT_MODULE, name, NULL));
    return !referrers->out_of_memory;
}

static void modules_reach(neap_referrers_t *referrers, const struct neap_py_runtime *runtime) {
    for (uint32_t i = 0; i < runtime->interpreter_count; i++) {
        struct neap_py_object modules;
        struct module_walk walk = {referrers, false};
        uint32_t ordinal;
        if (!neap_py_object_at(&referrers->lens, runtime->interpreters[i].modules, &modules))
            continue;
        for (unsigned turn = 0; turn < 2; turn++, walk.main = true)
            neap_py_object_visit(&referrers->lens, &modules, module_root, &walk);
        if (object_find(referrers, modules.address, &ordinal))
            reach(referrers, ordinal, root_new(referrers, NEAP_ROOT_MODULES, "sys.modules", NULL));
    }
}

/* Roots are added in several passes. Words on a stack may be stale, and must not hide a variable that
 * refers to the same object. */
enum turn { TURN_VARIABLES, TURN_TEMPORARIES, TURN_OTHERS, TURNS };

struct root_walk {
    neap_referrers_t *referrers;
    enum turn turn;
};

static enum turn turn_of(const struct neap_py_root *root) {
    return root->kind != NEAP_PY_ROOT_LOCAL ? TURN_OTHERS : root->local ? TURN_VARIABLES : TURN_TEMPORARIES;
}

static bool root_reach(void *context, const struct neap_py_root *root) {
    struct root_walk *walk = context;
    neap_referrers_t *referrers = walk->referrers;
    bool local = root->kind == NEAP_PY_ROOT_LOCAL;
    uint32_t ordinal;
    if (root->kind == NEAP_PY_ROOT_MODULES || turn_of(root) != walk->turn ||
        !object_find(referrers, root->object, &ordinal) || referrers->parent[ordinal] != NEAP_BLOCK_NONE)
        return !referrers->out_of_memory;
    char name[NAME_ROOM] = "", place[NAME_ROOM] = "";
    if (root->frame)
        neap_py_object_text(&referrers->lens, root->frame->name, place, sizeof(place));
    if (local && root->local)
        neap_py_object_text(&referrers->lens, root->local, name, sizeof(name));
    enum neap_root_kind kind = local                               ? NEAP_ROOT_LOCAL
                               : root->kind == NEAP_PY_ROOT_FRAME  ? NEAP_ROOT_FRAME
                               : root->kind == NEAP_PY_ROOT_THREAD ? NEAP_ROOT_THREAD
                                                                   : NEAP_ROOT_INTERPRETER;
    reach(referrers, ordinal, root_new(referrers, kind, name, place));
    return !referrers->out_of_memory;
}

static void roots_reach(neap_referrers_t *referrers) {
    const struct neap_python_view *view = neap_census_view(referrers->census);
    if (view->limits & NEAP_PYTHON_NO_RUNTIME)
        return;
    struct neap_py_runtime *runtime = malloc(sizeof(*runtime));
    if (!runtime) {
        referrers->out_of_memory = true;
        return;
    }
    *runtime = view->runtime;
    modules_reach(referrers, runtime);
    drain(referrers); /* objects reached from a module have its name, even if a local is nearer */
    for (enum turn turn = TURN_VARIABLES; turn < TURNS; turn++) {
        struct root_walk walk = {referrers, turn};
        neap_py_runtime_roots(&referrers->lens, runtime, root_reach, &walk);
        drain(referrers);
    }
    free(runtime);
}

/* --- what no root leads to ---------------------------------------------------------- */

static bool is_lost(const neap_referrers_t *referrers, uint32_t ordinal) {
    return referrers->parent[ordinal] == NEAP_BLOCK_NONE && neap_census_is_object(referrers->census, ordinal);
}

static bool referent_mark(void *context, const struct neap_py_referent *referent) {
    neap_referrers_t *referrers = context;
    uint32_t ordinal;
    if (neap_referrers_resolve(referrers->census, referent, &ordinal) && ordinal != referrers->at &&
        is_lost(referrers, ordinal))
        referrers->parent[ordinal] = NEAP_BLOCK_NONE - 1; /* another unreached object refers to it */
    return true;
}

static bool lost_object(neap_referrers_t *referrers, uint32_t ordinal, struct neap_py_object *object) {
    return neap_census_object(referrers->census, &referrers->lens, ordinal, object) &&
           !(object->flags & NEAP_PY_OBJECT_PARKED);
}

static void lost_reach(neap_referrers_t *referrers) {
    struct neap_py_object object;
    for (uint32_t i = 0; i < referrers->count; i++) { /* marked objects mark their referents in turn */
        bool lost =
            referrers->parent[i] >= NEAP_BLOCK_NONE - 1 && neap_census_is_object(referrers->census, i);
        referrers->at = i;
        if (lost && lost_object(referrers, i, &object))
            neap_py_object_visit(&referrers->lens, &object, referent_mark, referrers);
    }
    uint32_t unknown = root_new(referrers, NEAP_ROOT_UNKNOWN, NULL, NULL);
    uint32_t cycle = root_new(referrers, NEAP_ROOT_CYCLE, NULL, NULL);
    for (uint32_t i = 0; i < referrers->count && !referrers->out_of_memory; i++)
        if (is_lost(referrers, i) && lost_object(referrers, i, &object))
            reach(referrers, i, unknown);
    for (uint32_t i = 0; i < referrers->count; i++) /* the marks are no longer needed */
        if (referrers->parent[i] == NEAP_BLOCK_NONE - 1)
            referrers->parent[i] = NEAP_BLOCK_NONE;
    drain(referrers);
    for (uint32_t i = 0; i < referrers->count && !referrers->out_of_memory; i++)
        if (is_lost(referrers, i) && lost_object(referrers, i, &object)) {
            reach(referrers, i, cycle);
            drain(referrers);
        }
}

/* --- all of it -------------------------------------------------------------------- */

int neap_referrers_make(const neap_census_t *census, neap_referrers_t **referrers) {
    neap_referrers_t *made = calloc(1, sizeof(*made));
    if (!made)
        return NEAP_ERROR_MEMORY;
    made->census = census;
    made->index = neap_census_index(census);
    made->count = neap_block_index_count(made->index);
    made->parent = made->count < ROOT_BIT ? malloc(((size_t)made->count + 1) * sizeof(*made->parent)) : NULL;
    made->out_of_memory = !made->parent;
    neap_py_lens_init(&made->lens, neap_census_view(census)->types);
    if (!made->out_of_memory) {
        memset(made->parent, 0xff, ((size_t)made->count + 1) * sizeof(*made->parent));
        roots_reach(made);
    }
    if (!made->out_of_memory)
        lost_reach(made);
    if (made->out_of_memory) {
        neap_referrers_destroy(made);
        return NEAP_ERROR_MEMORY;
    }
    *referrers = made;
    return NEAP_OK;
}

void neap_referrers_destroy(neap_referrers_t *referrers) {
    if (!referrers)
        return;
    for (uint32_t i = 0; i < referrers->root_count; i++) {
        free(referrers->roots[i].name);
        free(referrers->roots[i].place);
    }
    free(referrers->roots);
    free(referrers->order);
    free(referrers->parent);
    free(referrers);
}

const neap_census_t *neap_referrers_census(const neap_referrers_t *referrers) {
    return referrers->census;
}

bool neap_referrers_parent(const neap_referrers_t *referrers, uint32_t ordinal,
                           struct neap_referrer *parent) {
    if (ordinal >= referrers->count || referrers->parent[ordinal] == NEAP_BLOCK_NONE)
        return false;
    uint32_t word = referrers->parent[ordinal];
    *parent = (struct neap_referrer){word & ROOT_BIT, word & ~ROOT_BIT};
    return true;
}

const struct neap_root *neap_referrers_root(const neap_referrers_t *referrers, uint32_t number) {
    return number < referrers->root_count ? &referrers->roots[number] : NULL;
}

const uint32_t *neap_referrers_order(const neap_referrers_t *referrers, uint32_t *count) {
    *count = referrers->reached;
    return referrers->order;
}

/* --- all that refer to a few ---------------------------------------------------------- */

struct each_walk {
    const neap_referrers_t *referrers;
    const uint64_t *wanted; /* one bit per block */
    uint32_t at;
    bool (*visit)(void *context, uint32_t object, uint32_t referrer);
    void *context;
    bool ended;
};

static bool referent_each(void *context, const struct neap_py_referent *referent) {
    struct each_walk *walk = context;
    uint32_t ordinal;
    if (neap_referrers_resolve(walk->referrers->census, referent, &ordinal) &&
        neap_block_is_live(walk->wanted, ordinal))
        walk->ended = !walk->visit(walk->context, ordinal, walk->at);
    return !walk->ended;
}

int neap_referrers_each(const neap_referrers_t *referrers, const uint32_t *objects, size_t count,
                        bool (*visit)(void *context, uint32_t object, uint32_t referrer), void *context) {
    uint64_t *wanted = calloc((size_t)referrers->count / 64 + 1, sizeof(*wanted));
    struct neap_py_lens *lens = malloc(sizeof(*lens));
    int error = wanted && lens ? NEAP_OK : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK) {
        neap_py_lens_init(lens, neap_census_view(referrers->census)->types);
        for (size_t i = 0; i < count; i++)
            if (objects[i] < referrers->count)
                wanted[objects[i] / 64] |= UINT64_C(1) << (objects[i] % 64);
        struct each_walk walk = {referrers, wanted, 0, visit, context, false};
        for (uint32_t i = 0; i < referrers->reached && !walk.ended; i++) {
            struct neap_py_object object;
            walk.at = referrers->order[i];
            if (neap_census_object(referrers->census, lens, walk.at, &object))
                neap_py_object_visit(lens, &object, referent_each, &walk);
        }
    }
    free(lens);
    free(wanted);
    return error;
}
