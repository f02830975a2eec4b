/* os/process_tree.h: a process and all that descends from it, kept up to date cheaply.
 *
 * An update looks at /proc only if the system has made a process or thread
 * since the last one, and then only at processes it has not seen before; so it
 * can be called every few milliseconds. Where `top` is this process and it
 * adopts orphans (os/child.h), nobody can leave the tree by a double fork.
 *
 * One thread at a time may use a tree.
 */
#ifndef NEAP_OS_PROCESS_TREE_H
#define NEAP_OS_PROCESS_TREE_H

#include <stddef.h>
#include <sys/types.h>

#include <neap/error.h>

typedef struct neap_os_process_tree neap_os_process_tree_t;

/* The tree under `top`, which is itself no member. NULL if memory is short.
 * The caller owns it. */
neap_os_process_tree_t *neap_os_process_tree_new(pid_t top);
void neap_os_process_tree_destroy(neap_os_process_tree_t *tree);

/* Leaves out the processes of that session from now on (0: none). */
void neap_os_process_tree_except(neap_os_process_tree_t *tree, pid_t session);

/* Brings the members up to date. On failure they are as before. */
int neap_os_process_tree_update(neap_os_process_tree_t *tree);

/* The members, in ascending order; some may have ended since the update.
 * Valid until the next call on the tree. */
const pid_t *neap_os_process_tree_members(const neap_os_process_tree_t *tree, size_t *count);

#endif
