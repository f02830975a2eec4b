/* inspect/process/process_image.h: what lies where in a process, as far as is known.
 *
 *   mappings   |--- file ---|-- [heap] --|      |------ rw-p anonymous ------|  [stack]
 *              as the system tells: access, path, figures of smaps, a bit a page
 *   spans      |code |data  |glibc main  |      |arena|arena|glibc |  other  |  stack
 *              each mapping cut into pieces of one kind, sorted, without gap or overlap
 *
 * The kernel joins neighbouring anonymous mappings, so one may hold many things:
 * who finds one claims its place (neap_process_image_claim), and what nobody
 * claimed stays NEAP_SPAN_ANONYMOUS. The account (inspect/space/memory_account.h) sums
 * the spans, the map draws them. Filled by a snapshot; a plain struct otherwise,
 * to be read by any thread and written by one.
 */
#ifndef NEAP_INSPECT_PROCESS_PROCESS_IMAGE_H
#define NEAP_INSPECT_PROCESS_PROCESS_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <neap/error.h>

enum neap_span_kind {
    NEAP_SPAN_ANONYMOUS,     /* memory of the program that nobody claimed */
    NEAP_SPAN_ARENA,         /* an arena of pymalloc */
    NEAP_SPAN_REGION,        /* units of a Neap heap */
    NEAP_SPAN_REGION_TABLES, /* its tables in front of them */
    NEAP_SPAN_GLIBC_MAIN,    /* glibc's heap: the one that grows by brk */
    NEAP_SPAN_GLIBC_ARENA,   /* of other threads */
    NEAP_SPAN_GLIBC_MAPPED,  /* a block with a mapping of its own */
    NEAP_SPAN_STACK,         /* of a thread, `tid` */
    NEAP_SPAN_PYTHON_FRAMES, /* where Python functions keep their variables (3.11 on), `tid` if known */
    NEAP_SPAN_NAMED,         /* anonymous, and its owner gave it a name (PR_SET_VMA) */
    NEAP_SPAN_CODE,          /* a file that can be executed */
    NEAP_SPAN_FILE,          /* a file that is read */
    NEAP_SPAN_DATA,          /* variables of a program or library: .data, .bss, its thread's own */
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
    uint64_t *resident; /* a bit a page, NULL where rss_bytes is 0 or all of it is in memory */
};

struct neap_image_span {
    uint64_t start, end;
    enum neap_span_kind kind;
    bool has_use;        /* whether the next is known */
    uint64_t used_bytes; /* of what is resident: in blocks handed out; the rest of it is free */
    pid_t tid;           /* of STACK and PYTHON_FRAMES, 0: not known */
    size_t mapping;      /* index of the mapping that it lies in */
};

struct neap_image_thread {
    pid_t tid;
    char name[16];
    uint64_t stack_pointer, thread_pointer; /* 0: not known */
};

struct neap_process_image {
    pid_t pid;              /* 0: a core file that does not say */
    char program[256];      /* the name alone */
    bool core;              /* read from a core file: all that it holds counts as resident */
    unsigned pointer_bytes; /* 4 or 8 */
    uint64_t page_bytes;
    struct neap_image_mapping *mappings; /* by address */
    size_t mapping_count;
    struct neap_image_span *spans; /* by address */
    size_t span_count, span_room;
    struct neap_image_thread *threads; /* the first is the main one */
    size_t thread_count;
    uint64_t mapping_limit; /* vm.max_map_count; 0: not known */
    char *texts;            /* what the paths point into */
};

/* Reads mappings, figures, resident pages and names of threads of `pid`, and makes
 * one span a mapping (stacks of threads by `threads` stay for classify). The errors of
 * os/process_memory.h; on failure *image is untouched. */
int neap_process_image_read(pid_t pid, struct neap_process_image *image);

/* Frees what it holds. A zeroed image is empty. */
void neap_process_image_clear(struct neap_process_image *image);

/* The mapping, or the span, that holds `address`; NULL if none. */
const struct neap_image_mapping *neap_process_image_mapping(const struct neap_process_image *image,
                                                            uint64_t address);
const struct neap_image_span *neap_process_image_span(const struct neap_process_image *image,
                                                      uint64_t address);

/* Bytes of [start, end) that are in memory, whole pages counted by their part in it. */
uint64_t neap_process_image_resident(const struct neap_process_image *image, uint64_t start, uint64_t end);

/* The first address of [address, end) in a page that is in memory; `end` if there is none. Fast where a
 * mapping is large and little of it is there. */
uint64_t neap_process_image_next(const struct neap_process_image *image, uint64_t address, uint64_t end);

/* Makes [claim->start, claim->end) one span as `claim` says, cutting what was there; `mapping`
 * is found. NEAP_ERROR_ARGUMENT if it is empty or not within one mapping. Any order. */
int neap_process_image_claim(struct neap_process_image *image, const struct neap_image_span *claim);

/* The same for many at once, sorted by address and not overlapping: one pass over the spans. */
int neap_process_image_claim_all(struct neap_process_image *image, const struct neap_image_span *claims,
                                 size_t count);

/* "arenas of CPython" ...: a name of the kind for people; and for JSON, "arena". Static. */
const char *neap_span_kind_title(enum neap_span_kind kind);
const char *neap_span_kind_name(enum neap_span_kind kind);

/* Whether sorted, in bounds, without gap or overlap within mappings; *why is static. */
bool neap_process_image_check(const struct neap_process_image *image, const char **why);

#endif
