/* os/privilege.h: giving up the rights of this process, for good.
 *
 *     uid 0, all capabilities ──drop──> uid and gid 65534, no groups, no capabilities, nothing by exec
 *     uid 1000                ──drop──> the same user, nothing by exec
 *
 * What is open stays open, and that is the point: a descriptor that was opened with rights is read without
 * them. What is to be written later must belong to another process (os/worker.h), since a folder that
 * admits only its owner is closed to this one from now on. Another process of uid 65534 can signal this one,
 * but cannot trace it or read it: the kernel makes a process that changes its user undumpable.
 */
#ifndef NEAP_OS_PRIVILEGE_H
#define NEAP_OS_PRIVILEGE_H

#include <stdbool.h>

#include <neap/error.h>

/* Drops what can be dropped: where a user namespace has no uid 65534, the uid stays, and the capabilities go;
 * in a program with a sanitizer (os/sanitizer.h) the uid stays, too. What a thread
 * other than the caller may do is not changed, except for its uid. */
void neap_os_privilege_drop(void);

/* Whether this process has root's rights. */
bool neap_os_privilege_is_root(void);

/* A user of /etc/passwd. Other lists of users (NSS) are not asked: they would load libraries into the
 * process. False if there is none of that name. */
bool neap_os_user_find(const char *name, unsigned *user, unsigned *group);

/* Becomes that user and group for good, with no other groups. Before any thread is started.
 * NEAP_ERROR_PERMISSION: this process is not root's; it is as it was. NEAP_ERROR_SYSTEM with errno: the
 * process must end, since some of its rights may be gone. */
int neap_os_privilege_become(unsigned user, unsigned group);

#endif
