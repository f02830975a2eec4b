/* os/page_file.h: pages in memory that several addresses share until they are written to.
 *
 *     begin ──> fill ──> lay at an address, at another, ... ──> end
 *     a file    through   private mappings of the file's pages:   the descriptor and the view go; the
 *     in memory  `view`   read, all see one page; whoever writes  file lives as long as a mapping of
 *                         gets a copy of his own                  it, in any process
 *
 * After `end` a file's pages never change. So a forked child, whatever forked it, shares them
 * like any private memory, and needs no care.
 *
 * The functions take no lock, allocate nothing and make system calls only: they may be called
 * while the other threads of the process are stopped (os/world.h).
 */
#ifndef NEAP_OS_PAGE_FILE_H
#define NEAP_OS_PAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <neap/error.h>

struct neap_os_page_file {
    unsigned char *view; /* `bytes` bytes, zero at first */
    size_t bytes;
    int descriptor;
};

/* Has core dumps of this process, and of the children that it makes later, contain private mappings of files
 * (core(5), coredump_filter): without that they lack what was laid. Nothing happens where the system forbids
 * it. Any thread; it opens a file. */
void neap_os_page_file_into_cores(void);

/* Makes a file of `bytes`, a multiple of the page. NEAP_ERROR_MEMORY: the limits of memory, descriptors
 * or mappings do not allow it; NEAP_ERROR_SYSTEM: this kernel or its settings have no such files. */
int neap_os_page_file_begin(size_t bytes, struct neap_os_page_file *file);

/* Maps `bytes` of the file from `offset` on at `address`, in place of the committed private memory there,
 * whose contents go. All are multiples of the page. NEAP_ERROR_MEMORY: the mapping was refused, and the
 * range is committed private memory that reads as zero, or, if *lost is set, no memory at all: the kernel
 * had unmapped the range before it refused, and refused to map it again. */
int neap_os_page_file_lay(const struct neap_os_page_file *file, size_t offset, size_t bytes, void *address,
                          bool *lost);

/* Closes what `begin` opened. What was laid stays. */
void neap_os_page_file_end(struct neap_os_page_file *file);

/* Puts committed private memory, which reads as zero and never has huge pages, in place of what was laid at
 * `address`. NEAP_ERROR_MEMORY: refused, and it is as it was, or *lost as above. */
int neap_os_page_file_lift(void *address, size_t bytes, bool *lost);

#endif
