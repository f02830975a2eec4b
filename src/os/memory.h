/* os/memory.h: address space and pages, the only door to mmap and madvise.
 *
 *     reserve ------> commit ------> (touch) ------> purge
 *     address space   readable and   in memory       clean again, reads as zero,
 *     only            writable                       still committed
 *
 * All addresses and lengths are multiples of neap_os_page_bytes() unless said
 * otherwise. Functions return 0 or a negative enum neap_error and keep no
 * state but the page size; any thread may call them.
 *
 * Faults: neap_os_fault_after(n) makes the n-th later call that asks the system
 * for memory fail, so that a test can reach every path of failure.
 */
#ifndef NEAP_OS_MEMORY_H
#define NEAP_OS_MEMORY_H

#include <stdbool.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

/* One stretch of whole pages. */
struct neap_os_range {
    void *address;
    size_t bytes;
};

/* The system's page, in bytes: 4, 16 or 64 KiB. */
size_t neap_os_page_bytes(void);

/* Memory of the machine in bytes. */
uint64_t neap_os_memory_bytes(void);

/* RLIMIT_AS, in bytes; UINT64_MAX without a limit. What of it is in use already is
 * not looked up: a request that goes past it fails, and the caller asks for less. */
uint64_t neap_os_address_space_left_bytes(void);

/* Takes address space, aligned to `align_bytes` (a power of two), without
 * memory behind it and without access. */
int neap_os_reserve(size_t bytes, size_t align_bytes, void **address);

/* Gives address space back. Cannot fail for a range that was reserved. */
void neap_os_release(void *address, size_t bytes);

/* Makes reserved pages readable and writable; they read as zero.
 * NEAP_ERROR_MEMORY when RLIMIT_DATA or the commit limit is reached. */
int neap_os_commit(void *address, size_t bytes);

/* Wants committed pages in huge pages, or in none. Advice: the system may do as it likes. */
void neap_os_advise_huge(void *address, size_t bytes, bool huge);

/* Puts memory behind committed pages now instead of at their first touch. What cannot be had
 * now comes at the first touch. */
void neap_os_populate(void *address, size_t bytes);

/* Gives the memory behind committed pages back; they read as zero after, also
 * where the system keeps them because they are locked. Ranges do not overlap. One system call where the
 * kernel can (process_madvise on oneself, Linux 6.13), else one a range. */
void neap_os_purge(const struct neap_os_range *ranges, size_t count);

/* Moves `bytes` of committed pages from `from` to `to` (committed, its pages
 * clean) without a copy, by mremap; `from` is then committed and clean. On
 * failure nothing has changed and the caller copies instead. */
int neap_os_move(void *from, void *to, size_t bytes);

/* Makes a range that neap_os_move took part in one with its neighbours again:
 * fresh committed clean pages, so that mappings do not pile up. */
int neap_os_renew(void *address, size_t bytes);

/* Lets libc give its own free memory back where it holds enough of it (at
 * least 1 MiB free, and more than at the last time). Returns bytes, estimated. */
uint64_t neap_os_trim_libc(void);

/* Test door: the n-th next request for memory fails (1 = the next); 0 = off. */
void neap_os_fault_after(unsigned n);

/* Whether this request is the one that is to fail: asked by whatever of this room takes memory. */
bool neap__os_fault_now(void);

#endif
