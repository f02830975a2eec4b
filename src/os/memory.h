/* os/memory.h: address space and pages, the only caller of mmap and madvise.
 *
 *     reserve ------> commit ------> (touch) ------> purge
 *     address space   readable and   in memory       clean again, reads as zero,
 *     only            writable                       still committed
 *
 *     map ----------> (touch) -----> remap --------> release
 *     a mapping of its own, committed at once; remap moves it where it does not fit
 *
 * All addresses and lengths are multiples of neap_os_page_bytes() unless said
 * otherwise. Functions return 0 or a negative enum neap_error and keep no
 * state but the page size; any thread may call them. Each contract says what a
 * failed call leaves behind. It holds from Linux 4.18 on.
 *
 * Faults: neap_os_fault_after(n) makes the n-th later call that asks the system
 * for memory fail as the kernel does, what it leaves half done included, so that
 * a test can reach every path of failure.
 */
#ifndef NEAP_OS_MEMORY_H
#define NEAP_OS_MEMORY_H

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
 * memory behind it and without access. NEAP_ERROR_MEMORY: nothing was taken. */
int neap_os_reserve(size_t bytes, size_t align_bytes, void **address);

/* A private mapping of `bytes`, readable and writable, that reads as zero, where
 * the system likes. NEAP_ERROR_MEMORY: there is none. */
int neap_os_map(size_t bytes, void **address);

/* Gives reserved or mapped address space back. The memory behind it goes in any
 * case. NEAP_ERROR_MEMORY: the process has as many mappings as it may have
 * (vm.max_map_count) and this would split one; the addresses then stay taken. */
int neap_os_release(void *address, size_t bytes);

/* Makes reserved pages readable and writable; they read as zero.
 * NEAP_ERROR_MEMORY when RLIMIT_DATA, the commit limit or vm.max_map_count is
 * reached: the first part of the range may be committed then, and to commit the
 * whole range later is allowed. */
int neap_os_commit(void *address, size_t bytes);

/* Takes access from committed pages, whatever is in them; neap_os_commit gives it back.
 * NEAP_ERROR_MEMORY: vm.max_map_count is reached, and nothing has changed. */
int neap_os_forbid(void *address, size_t bytes);

/* Wants pages in huge pages, or in none; reserved pages keep the wish when they are
 * committed. Without a wish the system's own setting holds: with huge pages "always"
 * the kernel then fills holes that a purge made. Advice, which cannot fail. */
void neap_os_advise_huge(void *address, size_t bytes, bool huge);

/* Puts memory behind committed pages now instead of at their first touch (Linux
 * 5.14). What cannot be had now comes at the first touch. */
void neap_os_populate(void *address, size_t bytes);

/* Gives the memory behind committed pages back; they read as zero after, also
 * where the system keeps them because they are locked. Ranges do not overlap. One
 * system call where the kernel can (process_madvise on oneself, with a name for
 * oneself that needs no descriptor: Linux 6.14), else one a range. */
void neap_os_purge(const struct neap_os_range *ranges, size_t count);

/* Makes the mapping of `old_bytes` at `from` (of neap_os_map) `bytes` long, moving
 * its pages without a copy to `*to` where it cannot grow in place; what is new reads
 * as zero. The system chooses the place, so that nothing is unmapped before the call
 * is sure to succeed: MREMAP_FIXED unmaps its destination first, and when it then
 * fails (Linux before 6.17 for one: the old range lies in several mappings) another
 * thread may take the hole. NEAP_ERROR_MEMORY or NEAP_ERROR_SYSTEM: nothing has
 * changed, and the caller copies instead. */
int neap_os_remap(void *from, size_t old_bytes, size_t bytes, void **to);

/* Lets libc give its own free memory back where it holds enough of it (at
 * least 1 MiB free, and more than at the last time). Returns bytes, estimated. */
uint64_t neap_os_trim_libc(void);

/* For tests: the n-th next request for memory fails (1 = the next); 0 = off. */
void neap_os_fault_after(unsigned n);

/* Whether this request is the one that is to fail: asked by whatever of this module takes memory. */
bool neap__os_fault_now(void);

#endif
