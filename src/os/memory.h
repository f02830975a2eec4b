/* os/memory.h: reserves address space, and commits and purges its pages.
 *
 *     reserve ------> commit ------> (touch) ------> purge
 *     address space   readable and   in memory       clean again, reads as zero,
 *     only            writable                       still committed
 *
 *     map ----------> (touch) -----> remap --------> release
 *     a mapping of its own, committed at once; remap moves it if it must
 *
 * Addresses and lengths are multiples of neap_os_page_bytes() unless a function says
 * otherwise. Functions return 0 or a negative enum neap_error. Any thread may call them.
 * Each says what a failed call leaves behind. They are written for Linux 4.18 and later,
 * and tested from 5.10 on.
 *
 * For tests, neap_os_fault_after(n) makes the n-th later call that asks the system for
 * memory fail, so that every path of failure can be reached.
 */
#ifndef NEAP_OS_MEMORY_H
#define NEAP_OS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

/* A range of whole pages. */
struct neap_os_range {
    void *address;
    size_t bytes;
};

/* The system's page, in bytes: 4, 16 or 64 KiB. */
size_t neap_os_page_bytes(void);

/* The memory of the machine in bytes; 1 GiB if the system does not tell. */
uint64_t neap_os_memory_bytes(void);

/* RLIMIT_AS, in bytes; UINT64_MAX if there is no limit. Address space already in use is not subtracted. Once
 * the program has confined itself (os/filter_watch.h), the last answer. A
 * request beyond the limit fails, and then the caller asks for less. */
uint64_t neap_os_address_space_left_bytes(void);

/* Reserves address space, aligned to `align_bytes` (a power of two). It has no memory and must not be
 * accessed. A core dump leaves it out, since gdb's gcore would write it out as zeros. On NEAP_ERROR_MEMORY
 * nothing was reserved. */
int neap_os_reserve(size_t bytes, size_t align_bytes, void **address);

/* This process gets no huge pages from now on, whatever the system's setting. Children inherit it. */
void neap_os_forgo_huge_pages(void);

/* Makes a private mapping of `bytes`, readable, writable and zero, at an address that the system chooses. On
 * NEAP_ERROR_MEMORY none was made. */
int neap_os_map(size_t bytes, void **address);

/* Gives reserved or mapped address space back. Its memory is given back even if this fails.
 * NEAP_ERROR_MEMORY means that this would split a mapping and that the process has as many mappings as it
 * may have (vm.max_map_count). The address space is then still reserved. */
int neap_os_release(void *address, size_t bytes);

/* Makes reserved pages readable and writable; they read as zero, and are in core dumps. NEAP_ERROR_MEMORY if
 * RLIMIT_DATA, the commit limit or vm.max_map_count is reached. The first part of the range may be committed
 * then, and the caller may commit the whole range later. */
int neap_os_commit(void *address, size_t bytes);

/* Takes access from committed pages, whatever is in them; neap_os_commit gives it back.
 * NEAP_ERROR_MEMORY: vm.max_map_count is reached, and nothing has changed. */
int neap_os_forbid(void *address, size_t bytes);

/* Advises the kernel to back a range with huge pages, or never to. The advice for reserved pages holds when
 * they are committed. Without advice the system's setting counts; if that is "always", the kernel fills the
 * holes that a purge leaves. It cannot fail. */
void neap_os_advise_huge(void *address, size_t bytes, bool huge);

/* Puts memory behind committed pages now (Linux 5.14). Pages that get none now get it at the first touch. */
void neap_os_populate(void *address, size_t bytes);

/* Gives the memory behind committed pages back. They read as zero afterwards, even if they are locked and the
 * system keeps them. The ranges must not overlap. From Linux 6.14 on this takes one system call for up to
 * 512 ranges: process_madvise with PIDFD_SELF_THREAD, which needs no descriptor. Before, and where a filter
 * of system calls is in force (os/filter_watch.h), it takes one call per range. */
void neap_os_purge(const struct neap_os_range *ranges, size_t count);

/* Makes the mapping of `old_bytes` at `from` (of neap_os_map) `bytes` long. If it cannot grow in place, its
 * pages move without a copy. *to is its address, and new pages read as zero. The system chooses the address,
 * so that nothing is unmapped if the call fails. MREMAP_FIXED would unmap its destination first. If it then
 * failed (for example because the old range lies in several mappings, before Linux 6.17), another thread
 * could take the hole. On NEAP_ERROR_MEMORY or NEAP_ERROR_SYSTEM nothing has changed, and the caller copies
 * instead. */
int neap_os_remap(void *from, size_t old_bytes, size_t bytes, void **to);

/* As mlockall: puts memory behind all pages that can be accessed, and keeps it there. Returns 0, or -1 with
 * errno. */
int neap_os_wire_all(int flags);

/* As munlockall. */
int neap_os_unwire_all(void);

/* Whether these flags also concern what is mapped later. */
bool neap_os_wires_future(int flags);

/* RLIMIT_MEMLOCK, in bytes; UINT64_MAX if there is none. */
uint64_t neap_os_wire_limit_bytes(void);

/* As mlock. Where a limit refuses, the pages are not locked. */
void neap_os_wire(void *address, size_t bytes);

/* Pages that hold nothing but zeros, or cannot be accessed: they are locked no longer, and their memory goes
 * back. */
void neap_os_let_go(void *address, size_t bytes);

/* Makes libc give back all whole pages that it holds free. Other threads cannot allocate from an arena of
 * libc while it is walked. Returns by how many bytes the resident memory of the process fell meanwhile; 0
 * also if another thread is at it. */
uint64_t neap_os_trim_libc(void);

/* For tests: makes the n-th next request for memory fail (1 = the next one); 0 = none. */
void neap_os_fault_after(unsigned n);

/* Whether this request must fail. Each function of this module that asks for memory calls it. */
bool neap__os_fault_now(void);

#endif
