/* os/process.h: one program in one process, held by descriptors and not by its number.
 *
 *     pid ──open──> /proc/PID           the process: never another one that gets the number later
 *                   /proc/PID/mem       its address space: never that of what it executes later
 *                   /proc/PID/pagemap   which pages of that are in memory
 *
 * What the kernel does, 5.10 to 7.2 (proc_mem_open and mem_rw in fs/proc/base.c): permission is asked when
 * `mem` is opened, and the descriptor keeps the address space of that moment. After an exec or the end, that
 * space is empty: reading and writing move nothing. A process that shares it (CLONE_VM) is still reached; the
 * new program, set-user-id or not, never is.
 *
 * Only process_vm_readv, the fast way for many pages, goes by number. What came by number, here or elsewhere
 * in this module, is of this program if neap_os_process_same says so afterwards: a program that was left does
 * not come back. Where `mem` may not be opened there is no handle, also if process_vm_readv is allowed
 * (CAP_SYS_PTRACE alone, another user's process). Where process_vm_readv is refused (a container's filter),
 * `mem` serves instead.
 *
 * Looking changes nothing: only pages that are in memory are read from the process. Any thread.
 */
#ifndef NEAP_OS_PROCESS_H
#define NEAP_OS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <neap/error.h>

typedef struct neap_os_process neap_os_process_t;

/* Opens process `pid`; with `to_write`, for neap_os_process_write too. NEAP_ERROR_PROCESS if there is no
 * such process, it has no memory, or it executes one program after the other; NEAP_ERROR_PERMISSION;
 * NEAP_ERROR_MEMORY; NEAP_ERROR_SYSTEM. The caller owns *process. */
int neap_os_process_open(pid_t pid, bool to_write, neap_os_process_t **process);
void neap_os_process_close(neap_os_process_t *process); /* NULL: nothing */

/* Its number. */
pid_t neap_os_process_pid(const neap_os_process_t *process);

/* NEAP_OK if the process still runs the program that was opened; NEAP_ERROR_PROCESS if it ended or executed
 * another. The kernel's random bytes of each exec (AT_RANDOM) are compared, and the addresses beside them. A
 * program that shares its memory and forges both can only have itself taken for itself. */
int neap_os_process_same(const neap_os_process_t *process);

/* Copies `bytes` at `address` into `out`, all or nothing. A page that the program has not touched is not
 * given to it: it reads as its file has it, or as zero. NEAP_ERROR_FORMAT if a part is not mapped, or cannot
 * be known; NEAP_ERROR_BUSY if a part is in swap (which a handle that was opened to write brings back
 * instead); NEAP_ERROR_PROCESS if the program is left. */
int neap_os_process_read(neap_os_process_t *process, uint64_t address, void *out, size_t bytes);

/* Writes, all or nothing. Only for fields that a published layout names as requests. As above;
 * NEAP_ERROR_PERMISSION without `to_write`, or where /proc is mounted read-only. */
int neap_os_process_write(neap_os_process_t *process, uint64_t address, const void *data, size_t bytes);

struct neap_os_process_piece {
    uint64_t address;
    void *out;
    size_t bytes;
};

/* Copies many pieces with few calls, by number. Only for pages that are in memory, and of this process alone:
 * from Linux 5.19 on, process_vm_readv gives a process its own copy of a page that it shares with a forked
 * one (mm/gup.c, gup_must_unshare). What cannot be read, page by page, is left as it is in `out` and added to
 * *missing_bytes. NEAP_ERROR_PROCESS if the process ended. */
int neap_os_process_gather(const neap_os_process_t *process, const struct neap_os_process_piece *pieces,
                           size_t count, uint64_t *missing_bytes);

/* The same for one piece of pages in memory that may be shared, or pages of zeros that were only read. Pages
 * of zeros are not written to `out`, so that they take no memory here. */
int neap_os_process_sift(const neap_os_process_t *process, const struct neap_os_process_piece *piece,
                         uint64_t *missing_bytes);

#endif
