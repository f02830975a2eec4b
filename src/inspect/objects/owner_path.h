/* inspect/objects/owner_path.h: the names that lead to an object: "app.cache._seen".
 *
 *   root app.cache ── .__dict__ ── ._seen ── []          one node per step, shared by all
 *                                    '── .by_name ── []  objects with the same path
 *
 * A path follows the chain of neap_referrers. Each step is named by the kind of reference: an
 * attribute, a variable, a slot. All items of a container have the same step ("[]"). Nested
 * containers are one step, and repeated attributes (node.next.next ...) are one step. So
 * thousands of objects with one owner have one path. Only names of modules, classes, attributes
 * and variables are shown, never keys of a dict that holds data. A name that is not an
 * identifier counts as contents. One thread; memory grows with the distinct paths and the
 * objects on them.
 */
#ifndef NEAP_INSPECT_OBJECTS_OWNER_PATH_H
#define NEAP_INSPECT_OBJECTS_OWNER_PATH_H

#include "inspect/objects/referrers.h"

enum { NEAP_OWNER_PATH_NONE = 0, NEAP_OWNER_PATH_TEXT_ROOM = 400 };

typedef struct neap_owner_paths neap_owner_paths_t;

/* NULL if there is no memory. `referrers` must outlive it. */
neap_owner_paths_t *neap_owner_paths_new(const neap_referrers_t *referrers);
void neap_owner_paths_destroy(neap_owner_paths_t *paths);

/* The number of an object's path; objects with the same path have the same number.
 * NEAP_OWNER_PATH_NONE if there is no live object, or no memory. */
uint32_t neap_owner_paths_of(neap_owner_paths_t *paths, uint32_t ordinal);

/* The first two steps of a path: a module and its variable ("app.cache"), or a variable of a function. */
uint32_t neap_owner_paths_owner(const neap_owner_paths_t *paths, uint32_t path);

/* Whether all paths that begin with `owner` have it as their owner. That is true for a variable of a
 * module and false for the module itself. */
bool neap_owner_paths_settled(const neap_owner_paths_t *paths, uint32_t owner);

/* "app.cache._seen", "pending in serve()", "C code"; writes at most `room` bytes and returns `out`. */
char *neap_owner_paths_text(const neap_owner_paths_t *paths, uint32_t path, char *out, size_t room);

#endif
