/* inspect/objects/owner_path.c: a tree of steps, and a cache of the objects on the paths. */
#include "inspect/objects/owner_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "inspect/objects/address_set.h"

enum {
    NODES_MAX = 1 << 20,
    DEPTH_MAX = 24,
    CHAIN_MAX = 1 << 22, /* longest chain from an object to its root */
    REPEATS = 4,         /* how many steps back a repetition is recognised */
    EDGES_MAX = 1 << 16, /* most references of an object that are searched for a name */
    NAME_ROOM = 64,
    MEMO_MAX = 1 << 23,
};

enum step {
    STEP_ROOT,
    STEP_NAME, /* attribute, variable, slot */
    STEP_DICT, /* to the dict of attributes of an object; not shown */
    STEP_ITEM, /* of a container */
};

struct node {
    uint32_t parent; /* 0: a root */
    uint32_t root;   /* of STEP_ROOT: its number */
    uint32_t next;   /* in the same slot of the table */
    uint16_t depth;
    uint8_t step; /* enum step */
    char *name;   /* of STEP_NAME */
};

struct neap_owner_paths {
    const neap_referrers_t *referrers;
    const neap_census_t *census;
    struct node *nodes; /* [0] is none */
    uint32_t count, room;
    uint32_t *table; /* by hash of parent, step and name */
    uint32_t slots;
    struct neap_address_set known; /* ordinal + 1 of an object -> node of its path */
    uint32_t *chain;
    uint32_t chain_room;
    struct neap_py_lens lens;
};

/* --- the tree --------------------------------------------------------------------- */

static uint32_t node_hash(uint32_t parent, enum step step, uint32_t root, const char *name) {
    uint32_t hash = parent * 2654435761u ^ ((uint32_t)step + root * 8) * 40503u;
    for (; name && *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash ^ hash >> 15;
}

static bool node_is(const struct node *node, uint32_t parent, enum step step, uint32_t root,
                    const char *name) {
    return node->parent == parent && node->step == step && node->root == root &&
           strcmp(node->name ? node->name : "", name ? name : "") == 0;
}

static bool nodes_grow(neap_owner_paths_t *paths) {
    uint32_t room = paths->room ? 2 * paths->room : 1024;
    struct node *nodes = realloc(paths->nodes, room * sizeof(*nodes));
    if (!nodes)
        return false;
    paths->nodes = nodes;
    uint32_t *table = calloc(2 * (size_t)room, sizeof(*table));
    if (!table)
        return false;
    free(paths->table);
    paths->table = table;
    paths->slots = 2 * room;
    paths->room = room;
    for (uint32_t i = 1; i < paths->count; i++) {
        const struct node *node = &nodes[i];
        uint32_t slot = node_hash(node->parent, node->step, node->root, node->name) & (paths->slots - 1);
        nodes[i].next = table[slot];
        table[slot] = i;
    }
    return true;
}

/* Finds or makes the node of a step from `parent`; 0 if there is no memory. */
static uint32_t node_of(neap_owner_paths_t *paths, uint32_t parent, enum step step, uint32_t root,
                        const char *name) {
    uint32_t slot = node_hash(parent, step, root, name) & (paths->slots - 1);
    for (uint32_t at = paths->table[slot]; at; at = paths->nodes[at].next)
        if (node_is(&paths->nodes[at], parent, step, root, name))
            return at;
    if (paths->count == NODES_MAX)
        return parent;
    char *copy = name ? strdup(name) : NULL;
    if ((name && !copy) || (paths->count == paths->room && !nodes_grow(paths))) {
        free(copy);
        return 0;
    }
    slot = node_hash(parent, step, root, name) & (paths->slots - 1);
    uint16_t depth = parent ? (uint16_t)(paths->nodes[parent].depth + 1) : 0;
    paths->nodes[paths->count] = (struct node){parent, root, paths->table[slot], depth, (uint8_t)step, copy};
    paths->table[slot] = paths->count;
    return paths->count++;
}

/* The node of a further step; an earlier node if the step repeats it. */
static uint32_t node_step(neap_owner_paths_t *paths, uint32_t parent, enum step step, const char *name) {
    if (!parent)
        return 0;
    const struct node *node = &paths->nodes[parent];
    if (step == STEP_ITEM && node->step == STEP_ITEM)
        return parent;
    if (step == STEP_NAME) {
        uint32_t at = parent;
        for (unsigned i = 0; i < REPEATS && at; i++, at = paths->nodes[at].parent)
            if (paths->nodes[at].step == STEP_NAME && strcmp(paths->nodes[at].name, name) == 0)
                return at;
    }
    return node->depth >= DEPTH_MAX ? parent : node_of(paths, parent, step, 0, name);
}

/* --- one reference ------------------------------------------------------------------ */

struct edge_search {
    neap_owner_paths_t *paths;
    uint32_t child;
    unsigned left;
    bool found;
    struct neap_py_referent referent;
};

static bool edge_match(void *context, const struct neap_py_referent *referent) {
    struct edge_search *search = context;
    uint32_t ordinal;
    if (neap_referrers_resolve(search->paths->census, referent, &ordinal) && ordinal == search->child &&
        referent->edge != NEAP_PY_EDGE_KEY) {
        search->found = true;
        search->referent = *referent;
        return false;
    }
    return --search->left > 0;
}

static bool is_identifier(const char *text) {
    for (const char *at = text; *at; at++) {
        bool letter = (*at | 32) >= 'a' && (*at | 32) <= 'z';
        bool digit = at > text && *at >= '0' && *at <= '9';
        if (!letter && !digit && *at != '_' && (unsigned char)*at < 0x80)
            return false;
    }
    return *text != '\0';
}

static uint32_t step_named(neap_owner_paths_t *paths, uint32_t node, uint64_t key) {
    char name[NAME_ROOM];
    if (key && neap_py_object_text(&paths->lens, key, name, sizeof(name)) && is_identifier(name))
        return node_step(paths, node, STEP_NAME, name);
    return node_step(paths, node, STEP_ITEM, NULL);
}

static bool holds_items(const struct neap_py_type *type) {
    switch (type->kind) {
    case NEAP_PY_DICT:
    case NEAP_PY_LIST:
    case NEAP_PY_TUPLE:
    case NEAP_PY_SET:
    case NEAP_PY_DEQUE:
    case NEAP_PY_ODICT:
        return type->flags & NEAP_PY_TYPE_BUILTIN;
    default:
        return false;
    }
}

/* The node of the step from the object `parent`, whose path is `node`, to `child`, to which it refers. */
static uint32_t step_take(neap_owner_paths_t *paths, uint32_t node, uint32_t parent, uint32_t child) {
    struct neap_py_object object;
    if (!node || !neap_census_object(paths->census, &paths->lens, parent, &object))
        return 0;
    bool names = paths->nodes[node].step == STEP_DICT;
    if (holds_items(object.type) && !names)
        return node_step(paths, node, STEP_ITEM, NULL);
    struct edge_search search = {.paths = paths, .child = child, .left = EDGES_MAX};
    neap_py_object_visit(&paths->lens, &object, edge_match, &search);
    if (!search.found)
        return node_step(paths, node, STEP_ITEM, NULL);
    switch (search.referent.edge) {
    case NEAP_PY_EDGE_DICT:
        return node_step(paths, node, STEP_DICT, NULL);
    case NEAP_PY_EDGE_ATTRIBUTE:
    case NEAP_PY_EDGE_LOCAL:
        return step_named(paths, node, search.referent.key);
    case NEAP_PY_EDGE_VALUE:
        return names ? step_named(paths, node, search.referent.key) : node_step(paths, node, STEP_ITEM, NULL);
    case NEAP_PY_EDGE_TYPE:
        return node_step(paths, node, STEP_NAME, "__class__");
    case NEAP_PY_EDGE_CLOSURE:
        return object.type->kind == NEAP_PY_CELL ? node_step(paths, node, STEP_ITEM, NULL)
                                                 : node_step(paths, node, STEP_NAME, "__closure__");
    case NEAP_PY_EDGE_MEMBER:
        if (search.referent.name && strcmp(search.referent.name, "__dict__") == 0)
            return node_step(paths, node, STEP_DICT, NULL);
        return search.referent.name ? node_step(paths, node, STEP_NAME, search.referent.name)
                                    : node_step(paths, node, STEP_ITEM, NULL);
    default:
        return node_step(paths, node, STEP_ITEM, NULL);
    }
}

/* --- the way to an object -------------------------------------------------------------- */

static bool chain_push(neap_owner_paths_t *paths, uint32_t at, uint32_t ordinal) {
    if (at >= CHAIN_MAX || !NEAP_ARRAY_RESERVE(paths->chain, paths->chain_room, at + 1))
        return false;
    paths->chain[at] = ordinal;
    return true;
}

/* Climbs to a root, or to an object whose path is cached, and steps down again. */
uint32_t neap_owner_paths_of(neap_owner_paths_t *paths, uint32_t ordinal) {
    uint32_t length = 0, node = 0, at = ordinal;
    for (;;) {
        struct neap_referrer parent;
        const struct neap_address_entry *entry = neap_address_set_find(&paths->known, (uint64_t)at + 1);
        if (entry) {
            node = (uint32_t)entry->value;
            break;
        }
        if (!neap_referrers_parent(paths->referrers, at, &parent) || !chain_push(paths, length, at))
            return NEAP_OWNER_PATH_NONE;
        length++;
        if (parent.is_root) {
            node = node_of(paths, 0, STEP_ROOT, parent.number, NULL);
            neap_address_set_add(&paths->known, (uint64_t)at + 1, node, NULL);
            length--;
            break;
        }
        at = parent.number;
    }
    while (length >
           0) { /* the last object of the chain is next; `at` is its parent, and `node` the path of that */
        uint32_t child = paths->chain[--length];
        node = step_take(paths, node, at, child);
        if (length > 0) /* do not cache the object itself, which is often one of very many */
            neap_address_set_add(&paths->known, (uint64_t)child + 1, node, NULL);
        at = child;
    }
    return node;
}

neap_owner_paths_t *neap_owner_paths_new(const neap_referrers_t *referrers) {
    neap_owner_paths_t *paths = calloc(1, sizeof(*paths));
    if (!paths)
        return NULL;
    paths->referrers = referrers;
    paths->census = neap_referrers_census(referrers);
    paths->known.limit = MEMO_MAX;
    paths->count = 1;
    neap_py_lens_init(&paths->lens, neap_census_view(paths->census)->types);
    if (!nodes_grow(paths)) {
        neap_owner_paths_destroy(paths);
        return NULL;
    }
    memset(&paths->nodes[0], 0, sizeof(paths->nodes[0]));
    return paths;
}

void neap_owner_paths_destroy(neap_owner_paths_t *paths) {
    if (!paths)
        return;
    for (uint32_t i = 1; paths->nodes && i < paths->count; i++)
        free(paths->nodes[i].name);
    neap_address_set_clear(&paths->known);
    free(paths->nodes);
    free(paths->table);
    free(paths->chain);
    free(paths);
}

/* --- in words ------------------------------------------------------------------------------ */

static const struct neap_root *root_of(const neap_owner_paths_t *paths, uint32_t node) {
    while (node && paths->nodes[node].parent)
        node = paths->nodes[node].parent;
    return node ? neap_referrers_root(paths->referrers, paths->nodes[node].root) : NULL;
}

/* The first name on a path from a module; otherwise the root. */
uint32_t neap_owner_paths_owner(const neap_owner_paths_t *paths, uint32_t path) {
    const struct neap_root *root = root_of(paths, path);
    bool module = root && root->kind == NEAP_ROOT_MODULE;
    uint32_t owner = NEAP_OWNER_PATH_NONE;
    for (uint32_t at = path; at; at = paths->nodes[at].parent)
        if (paths->nodes[at].parent == 0 ? owner == NEAP_OWNER_PATH_NONE || !module
                                         : module && paths->nodes[at].step == STEP_NAME)
            owner = at;
    return owner;
}

bool neap_owner_paths_settled(const neap_owner_paths_t *paths, uint32_t owner) {
    const struct neap_root *root = root_of(paths, owner);
    return paths->nodes[owner].step == STEP_NAME || !root || root->kind != NEAP_ROOT_MODULE;
}

/* The text of the root, and the text after the last step. */
static const char *root_words(const struct neap_root *root, const char **place) {
    *place = NULL;
    switch (root ? root->kind : NEAP_ROOT_UNKNOWN) {
    case NEAP_ROOT_MODULE:
        return root->name;
    case NEAP_ROOT_LOCAL:
        *place = root->place;
        return root->name && *root->name ? root->name : "a temporary";
    case NEAP_ROOT_FRAME:
        *place = root->place;
        return "the frame";
    case NEAP_ROOT_THREAD:
        return "a thread";
    case NEAP_ROOT_MODULES:
    case NEAP_ROOT_INTERPRETER:
        return root->name && *root->name ? root->name : "the interpreter";
    case NEAP_ROOT_CYCLE:
        return "garbage (a cycle)";
    default:
        return "C code";
    }
}

char *neap_owner_paths_text(const neap_owner_paths_t *paths, uint32_t path, char *out, size_t room) {
    uint32_t steps[DEPTH_MAX + 2], count = 0, at = path < paths->count ? path : 0;
    for (; at && paths->nodes[at].parent && count < DEPTH_MAX + 2; at = paths->nodes[at].parent)
        steps[count++] = at;
    const char *place = NULL;
    const struct neap_root *root = at ? neap_referrers_root(paths->referrers, paths->nodes[at].root) : NULL;
    size_t used = (size_t)snprintf(out, room, "%s", root_words(root, &place));
    bool item = false;
    while (count > 0 && used < room) {
        const struct node *node = &paths->nodes[steps[--count]];
        if (node->step == STEP_NAME) {
            used += (size_t)snprintf(out + used, room - used, "%s.%s", item ? "[]" : "", node->name);
            item = false;
        }
        item |= node->step == STEP_ITEM; /* shown only if a name follows */
    }
    if (place && *place && used < room)
        snprintf(out + used, room - used, " in %s()", place);
    return out;
}
