/* inspect/process/process_image.h: the mappings and threads of a process, and what its memory is used for.
 *
 *   mappings   |--- file ---|-- [heap] --|      |------ rw-p anonymous ------|  [stack]
 *              as the system reports them: access, path, figures of smaps, one bit per page
 *   spans      |code |data  |glibc main  |      |arena|arena|glibc |  other  |  stack
 *              each mapping is divided into spans of one use, sorted, without gap or overlap
 *
 * The kernel joins neighbouring anonymous mappings, so a mapping may hold many things.
 * Code that recognises one of them claims its addresses as a span
 * (neap_process_image_claim). Memory that no code claims stays NEAP_SPAN_ANONYMOUS. The
 * account (inspect/space/memory_account.h) sums the spans, and the map draws them.
 * A snapshot fills the image. Any thread may read it, one may write.
 */
#ifndef NEAP_INSPECT_PROCESS_PROCESS_IMAGE_H
#define NEAP_INSPECT_PROCESS_PROCESS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <neap/error.h>

#include "os/process.h"

enum neap_span_kind {
    NEAP_SPAN_ANONYMOUS,     /* memory of the program that is not claimed */
    NEAP_SPAN_ARENA,         /* an arena of pymalloc */
    NEAP_SPAN_REGION,        /* units of a Neap heap */
    NEAP_SPAN_REGION_TABLES, /* the tables of a Neap heap, in front of its units */
    NEAP_SPAN_GLIBC_MAIN,    /* glibc's main heap, which grows by brk */
    NEAP_SPAN_GLIBC_ARENA,   /* a heap of glibc's for other threads */
    NEAP_SPAN_GLIBC_MAPPED,  /* a block of glibc's with a mapping of its own */
    NEAP_SPAN_STACK,         /* the stack of thread `tid` */
    NEAP_SPAN_PYTHON_FRAMES, /* variables of Python functions (3.11 on), `tid` if known */
    NEAP_SPAN_NAMED,         /* anonymous, with a name that the program gave it (PR_SET_VMA) */
    NEAP_SPAN_CODE,          /* a file that can be executed */
    NEAP_SPAN_FILE,          /* any other file that is read */
    NEAP_SPAN_DATA,          /* variables of a program or library: .data, .bss, thread-local ones */
    NEAP_SPAN_SHARED,        /* shared with other processes: /dev/shm, memfd, System V, MAP_SHARED */
    NEAP_SPAN_KERNEL,        /* [vdso], [vvar] ... */
    NEAP_SPAN_RESERVED,      /* address space without access */
    NEAP_SPAN_KINDS
};

/* One line of /proc/PID/smaps, or one segment of a core file. */
struct neap_image_mapping {
    uint64_t start, end; /* addresses, end excluded */
    uint64_t offset;     /* into the file, bytes */
    char access[5];      /* "rw-p" */
    const char *path;    /* "" for none; "[heap]", "[stack]", "/usr/bin/python3.11"; never NULL */
    uint64_t rss_bytes, pss_bytes, private_dirty_bytes, anonymous_bytes, swap_bytes;
    uint64_t shared_bytes; /* of rss, that other processes have in memory too */
    /* One bit per page. Pages of zeros that were only read are not resident: they take no memory. */
    uint64_t *resident; /* NULL if nothing or all of it is in memory */
    uint64_t *shared;   /* of resident, those that a forked process may share; NULL: none */
    uint64_t *swapped;  /* NULL: none */
    size_t file;        /* 1 + its index in `files`; 0: it has none, or it is not open */
};

struct neap_image_span {
    uint64_t start, end;
    enum neap_span_kind kind;
    bool has_use;        /* whether used_bytes is known */
    uint64_t used_bytes; /* resident bytes in blocks handed out; the other resident bytes are free */
    pid_t tid;           /* for STACK and PYTHON_FRAMES; 0: not known */
    size_t mapping;      /* index of the mapping that the span lies in */
};

struct neap_image_thread {
    pid_t tid;
    char name[16];
    uint64_t stack_pointer, thread_pointer; /* 0: not known */
};

struct neap_process_image {
    const neap_os_process_t *process; /* not owned; NULL: a core file */
    pid_t pid;                        /* 0: a core file that does not say */
    char program[256];                /* name without its folder */
    bool core;                        /* read from a core file; all bytes in the file count as resident */
    unsigned pointer_bytes;           /* 4 or 8 */
    uint64_t page_bytes;
    struct neap_image_mapping *mappings; /* by address */
    size_t mapping_count;
    struct neap_image_span *spans; /* by address */
    size_t span_count, span_room;
    struct neap_image_thread *threads; /* the first is the main one */
    size_t thread_count;
    uint64_t mapping_limit;          /* vm.max_map_count; 0: not known */
    char *texts;                     /* the paths point into this */
    struct neap_os_held_file *files; /* see inspect/process/image_file.h */
    size_t file_count, file_room;
};

/* Reads mappings, figures, resident pages and thread names of `process`, which must outlive the image where
 * its files are opened, and makes one span per mapping. Stacks of threads are claimed later
 * (inspect/space/thread_stack.h). Returns the errors of os/process_memory.h; on failure *image is untouched.
 */
int neap_process_image_read(const neap_os_process_t *process, struct neap_process_image *image);

/* Frees the contents of an image. A zeroed image is empty. */
void neap_process_image_clear(struct neap_process_image *image);

/* The mapping (the span) that contains `address`; NULL if there is none. */
const struct neap_image_mapping *neap_process_image_mapping(const struct neap_process_image *image,
                                                            uint64_t address);
const struct neap_image_span *neap_process_image_span(const struct neap_process_image *image,
                                                      uint64_t address);

/* Bytes of [start, end) that are in memory. A page counts by its part in the range. */
uint64_t neap_process_image_resident(const struct neap_process_image *image, uint64_t start, uint64_t end);

/* The first address of [address, end) in a page that is in memory; `end` if there is none. Fast for a
 * large mapping with few pages in memory. */
uint64_t neap_process_image_next(const struct neap_process_image *image, uint64_t address, uint64_t end);

/* Makes [claim->start, claim->end) one span with the members of `claim`, and cuts the spans that were
 * there. `mapping` need not be set. Claims may come in any order. NEAP_ERROR_ARGUMENT if the range is
 * empty or not within one mapping. */
int neap_process_image_claim(struct neap_process_image *image, const struct neap_image_span *claim);

/* The same for many at once, sorted by address and not overlapping: one pass over the spans. */
int neap_process_image_claim_all(struct neap_process_image *image, const struct neap_image_span *claims,
                                 size_t count);

/* The name of a kind for people ("arenas of CPython"), and for JSON ("arena"). Static. */
const char *neap_span_kind_title(enum neap_span_kind kind);
const char *neap_span_kind_name(enum neap_span_kind kind);

/* Verifies that spans are sorted, in bounds, and without gap or overlap within mappings. False with a
 * static text in *why otherwise. */
bool neap_process_image_check(const struct neap_process_image *image, const char **why);

#endif
