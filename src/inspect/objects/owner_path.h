/* inspect/objects/owner_path.h: who holds an object, in words: "app.cache._seen".
 *
 *   root app.cache ── .__dict__ ── ._seen ── []          one node a step, shared by all
 *                                    '── .by_name ── []  objects with the same way to them
 *
 * A path is the chain of neap_referrers, each reference named by how it is held: an
 * attribute, a variable, a slot. Items of containers are all alike ("[]"), containers in
 * containers are one, and what repeats (node.next.next ...) counts once: so thousands of
 * objects with one owner have one path. Only names of modules, classes, attributes and
 * variables are shown, never keys of a dict that holds data. Names that are no
 * identifiers count as contents. One thread; memory goes with the distinct paths and the
 * objects on them.
 */
#ifndef NEAP_INSPECT_OBJECTS_OWNER_PATH_H
#define NEAP_INSPECT_OBJECTS_OWNER_PATH_H

#include "inspect/objects/referrers.h"

enum { NEAP_OWNER_PATH_NONE = 0, NEAP_OWNER_PATH_TEXT_ROOM = 400 };

typedef struct neap_owner_paths neap_owner_paths_t;

/* NULL without memory. `referrers` must outlive it. */
neap_owner_paths_t *neap_owner_paths_new(const neap_referrers_t *referrers);
void neap_owner_paths_destroy(neap_owner_paths_t *paths);

/* The path of an object: a number, the same for objects that are held alike. NEAP_OWNER_PATH_NONE for
 * what is no living object, or without memory. */
uint32_t neap_owner_paths_of(neap_owner_paths_t *paths, uint32_t ordinal);

/* The first two steps of a path: a module and its variable, "app.cache"; or a function's variable. */
uint32_t neap_owner_paths_owner(const neap_owner_paths_t *paths, uint32_t path);

/* Whether everything below it has the same owner: it is no module, but a variable of one. */
bool neap_owner_paths_settled(const neap_owner_paths_t *paths, uint32_t owner);

/* "app.cache._seen", "pending in serve()", "C code"; writes at most `room` bytes and returns `out`. */
char *neap_owner_paths_text(const neap_owner_paths_t *paths, uint32_t path, char *out, size_t room);

#endif
