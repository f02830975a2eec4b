/* os/process_tree.h: the descendants of a process, kept up to date at little cost.
 *
 * An update lists /proc only if the system has made a process or thread since the last
 * update. It then reads only the processes that are new. So it can be called every few
 * milliseconds. If `top` is this process and it adopts orphans (os/child.h), no process can
 * leave the tree by a double fork.
 *
 * One thread at a time may use a tree.
 */
#ifndef NEAP_OS_PROCESS_TREE_H
#define NEAP_OS_PROCESS_TREE_H

#include <stddef.h>
#include <sys/types.h>

#include <neap/error.h>

typedef struct neap_os_process_tree neap_os_process_tree_t;

/* Makes a tree of the descendants of `top`, which is not a member. The caller owns it. NULL if there is no
 * memory. */
neap_os_process_tree_t *neap_os_process_tree_new(pid_t top);
void neap_os_process_tree_destroy(neap_os_process_tree_t *tree);

/* From now on, new processes of that session do not become members. 0 = no such session. */
void neap_os_process_tree_except(neap_os_process_tree_t *tree, pid_t session);

/* Updates the members. Returns 0 or a negative enum neap_error; the members are then as before. */
int neap_os_process_tree_update(neap_os_process_tree_t *tree);

/* The members, in ascending order. Some may have ended since the update. The array is valid until the next
 * update or the end of the tree. */
const pid_t *neap_os_process_tree_members(const neap_os_process_tree_t *tree, size_t *count);

#endif
