/* os/process.c: descriptors under /proc/PID, and process_vm_readv. */
#include "os/process.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/memory.h"
#include "os/proc.h"
#include "os/process_memory.h"
#include "os/residence.h"

enum {
    OPEN_ATTEMPTS = 5,     /* of a process that executes something else meanwhile */
    AUXILIARY_ROOM = 2048, /* of /proc/PID/auxv: some 400 bytes */
    RANDOM_BYTES = 16,
    ENTRIES_A_READ = 64,
    MOVE_ATTEMPTS = 20,   /* looks at a page that is in swap, or is only being moved */
    PIECES_A_CALL = 512,  /* IOV_MAX is 1024 */
    SIFT_BYTES = 64 << 10 /* read at once; a page of every system */
};

/* What tells one exec from another: the addresses that the kernel chose, and the random bytes it left. */
struct identity {
    unsigned char auxiliary[AUXILIARY_ROOM];
    size_t auxiliary_bytes;
    unsigned char random[RANDOM_BYTES];
    bool has_random; /* false where they cannot be read, or are in swap */
};

struct neap_os_process {
    pid_t pid;
    bool to_write;
    int folder, memory;
    neap_os_residence_t *residence; /* NULL where the system has none: then pages are read as they come */
    struct identity identity;
    struct neap_os_mapping around; /* the mapping that an untouched page was found in last */
};

/* --- opening ------------------------------------------------------------- */

static int open_in(const struct neap_os_process *process, const char *name, int flags) {
    return openat(process->folder, name, flags | O_CLOEXEC);
}

/* One read of `mem`: the kernel moves what is there, and 0 bytes where the address space has been left. */
static ssize_t memory_read(int memory, uint64_t address, void *out, size_t bytes) {
    ssize_t done;
    if (address > INT64_MAX) {
        errno = EIO;
        return -1;
    }
    do
        done = pread(memory, out, bytes, (off_t)address);
    while (done < 0 && errno == EINTR);
    return done;
}

/* The address of the random bytes. Entries are pairs of words of the program's own size. */
static uint64_t random_address(const struct identity *identity) {
    for (size_t at = 0; at + 16 <= identity->auxiliary_bytes; at += 16) {
        uint64_t pair[2];
        memcpy(pair, identity->auxiliary + at, sizeof(pair));
        if (pair[0] == AT_RANDOM)
            return pair[1];
    }
    for (size_t at = 0; at + 8 <= identity->auxiliary_bytes; at += 8) {
        uint32_t pair[2];
        memcpy(pair, identity->auxiliary + at, sizeof(pair));
        if (pair[0] == AT_RANDOM)
            return pair[1];
    }
    return 0;
}

/* Whether the page of `address` is in memory; yes where the system does not tell. */
static bool is_present(const struct neap_os_process *process, uint64_t address) {
    uint64_t entry;
    return !process->residence || neap_os_residence_read(process->residence, address, &entry, 1) != NEAP_OK ||
           neap_os_page_present(entry);
}

/* What `memory`, a descriptor of `mem`, and the process show now. */
static int identity_read(const struct neap_os_process *process, int memory, struct identity *identity) {
    *identity = (struct identity){.auxiliary_bytes = 0};
    int file = open_in(process, "auxv", O_RDONLY);
    if (file < 0)
        return neap__os_proc_error();
    ssize_t length = read(file, identity->auxiliary, sizeof(identity->auxiliary));
    int error = length < 0 ? neap__os_proc_error() : length == 0 ? NEAP_ERROR_PROCESS : NEAP_OK;
    close(file);
    if (error != NEAP_OK)
        return error;
    identity->auxiliary_bytes = (size_t)length;
    uint64_t at = random_address(identity);
    if (!is_present(process, at))
        return NEAP_OK;
    length = memory_read(memory, at, identity->random, RANDOM_BYTES);
    identity->has_random = length == RANDOM_BYTES;
    return length == 0 ? NEAP_ERROR_PROCESS : NEAP_OK;
}

static bool identities_differ(const struct identity *a, const struct identity *b) {
    return a->auxiliary_bytes != b->auxiliary_bytes ||
           memcmp(a->auxiliary, b->auxiliary, a->auxiliary_bytes) != 0 ||
           (a->has_random && b->has_random && memcmp(a->random, b->random, RANDOM_BYTES) != 0);
}

/* Whether the address space of `mem` has no user any more: an address that no program has says so too. */
static bool is_left(int memory) {
    char byte;
    return memory_read(memory, UINT64_C(1) << 62, &byte, 1) == 0;
}

int neap_os_process_same(const neap_os_process_t *process) {
    struct identity now;
    int memory = open_in(process, "mem", O_RDONLY);
    if (memory < 0) /* forbidden, which the program that was opened was not: it is another */
        return errno == EACCES || errno == EPERM ? NEAP_ERROR_PROCESS : neap__os_proc_error();
    int error = identity_read(process, memory, &now);
    close(memory);
    if (error == NEAP_ERROR_PERMISSION)
        return NEAP_ERROR_PROCESS;
    if (error == NEAP_OK && (identities_differ(&now, &process->identity) || is_left(process->memory)))
        return NEAP_ERROR_PROCESS;
    return error;
}

static void descriptors_close(struct neap_os_process *process) {
    neap_os_residence_close(process->residence);
    if (process->memory >= 0)
        close(process->memory);
    process->residence = NULL;
    process->memory = -1;
}

/* Opens what belongs to the address space of this moment. */
static int space_open(struct neap_os_process *process, bool to_write) {
    process->memory = open_in(process, "mem", to_write ? O_RDWR : O_RDONLY);
    if (process->memory < 0 && to_write && errno == EROFS)
        process->memory = open_in(process, "mem", O_RDONLY);
    if (process->memory < 0)
        return neap__os_proc_error();
    int error = neap__os_residence_open_in(process->folder, &process->residence);
    if (error == NEAP_OK || error == NEAP_ERROR_ABSENT)
        error = identity_read(process, process->memory, &process->identity);
    return error == NEAP_OK ? neap_os_process_same(process) : error;
}

int neap_os_process_open(pid_t pid, bool to_write, neap_os_process_t **process) {
    char path[32];
    struct neap_os_process *made = calloc(1, sizeof(*made));
    if (!made)
        return NEAP_ERROR_MEMORY;
    made->pid = pid;
    made->to_write = to_write;
    made->memory = -1;
    made->folder = open(neap__os_proc_path(path, sizeof(path), pid, ""), O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error = made->folder < 0 ? neap__os_proc_error() : NEAP_ERROR_PROCESS;
    for (int attempt = 0; attempt < OPEN_ATTEMPTS && made->folder >= 0 && error == NEAP_ERROR_PROCESS;
         attempt++) {
        descriptors_close(made);
        error = space_open(made, to_write);
    }
    if (error != NEAP_OK) {
        neap_os_process_close(made);
        return error;
    }
    *process = made;
    return NEAP_OK;
}

void neap_os_process_close(neap_os_process_t *process) {
    if (!process)
        return;
    descriptors_close(process);
    if (process->folder >= 0)
        close(process->folder);
    free(process);
}

int neap__os_process_folder(const neap_os_process_t *process) {
    return process->folder;
}

pid_t neap_os_process_pid(const neap_os_process_t *process) {
    return process->pid;
}

/* --- pages that are not in memory ------------------------------------------ */

struct search {
    uint64_t address;
    struct neap_os_mapping *found;
    bool any;
};

static bool mapping_look(void *context, const struct neap_os_mapping *mapping) {
    struct search *search = context;
    search->any = mapping->start <= search->address && search->address < mapping->end;
    if (search->any)
        *search->found = *mapping;
    return !search->any && mapping->end <= search->address;
}

static bool is_around(const struct neap_os_mapping *mapping, uint64_t address) {
    return mapping->start <= address && address < mapping->end;
}

/* Reads part of a page that the program has not touched, as the program would find it. */
static int untouched_read(struct neap_os_process *process, uint64_t address, void *out, size_t bytes) {
    struct neap_os_mapping *around = &process->around;
    struct search search = {.address = address, .found = around};
    char path[sizeof(around->path) + 64];
    if (!is_around(around, address)) {
        around->start = around->end = 0;
        int error = neap_os_mappings_visit(process->pid, mapping_look, &search);
        if (error != NEAP_OK)
            return error;
    }
    if (!is_around(around, address) || around->access[0] != 'r')
        return NEAP_ERROR_FORMAT;
    if (around->path[0] != '/') {
        memset(out, 0, bytes);
        return NEAP_OK;
    }
    if (neap_os_mapped_file(process, around, path, sizeof(path)) != NEAP_OK)
        return NEAP_ERROR_FORMAT;
    return neap_os_file_read(path, around->offset + (address - around->start), out, bytes) == NEAP_OK
               ? NEAP_OK
               : NEAP_ERROR_FORMAT;
}

/* A page that the kernel moves for reasons of its own shows as swapped for a moment. Whoever is going to
 * write has the process run in any case, and may bring pages back. */
static int swapped_read(struct neap_os_process *process, uint64_t address, void *out, size_t bytes) {
    for (int attempt = 0; attempt < MOVE_ATTEMPTS; attempt++) {
        uint64_t entry = 0;
        int error = neap_os_residence_read(process->residence, address, &entry, 1);
        if (error != NEAP_OK)
            return error;
        if (neap_os_page_present(entry) || process->to_write)
            return memory_read(process->memory, address, out, bytes) == (ssize_t)bytes ? NEAP_OK
                                                                                       : NEAP_ERROR_FORMAT;
        if (!neap_os_page_swapped(entry))
            return untouched_read(process, address, out, bytes);
        neap_os_sleep_ns(50000);
    }
    return NEAP_ERROR_BUSY;
}

/* --- reading and writing ----------------------------------------------------- */

typedef ssize_t transfer_fn(int, uint64_t, void *, size_t);

static ssize_t memory_write(int memory, uint64_t address, void *data, size_t bytes) {
    ssize_t done;
    do
        done = pwrite(memory, data, bytes, (off_t)address);
    while (done < 0 && errno == EINTR);
    return done;
}

static int transfer(transfer_fn *move, int memory, uint64_t address, char *local, size_t bytes) {
    while (bytes > 0) {
        ssize_t done = move(memory, address, local, bytes);
        if (done < 0)
            return errno == EIO     ? NEAP_ERROR_FORMAT
                   : errno == EBADF ? NEAP_ERROR_PERMISSION /* it is not open for that */
                                    : neap__os_proc_error();
        if (done == 0)
            return NEAP_ERROR_PROCESS;
        local += done;
        address += (size_t)done;
        bytes -= (size_t)done;
    }
    return NEAP_OK;
}

/* Bytes from `address` to the end of its page, at most `bytes`. */
static size_t page_part(uint64_t address, size_t bytes) {
    size_t page = neap_os_page_bytes(), part = page - (size_t)(address % page);
    return part < bytes ? part : bytes;
}

/* Reads what lies in the pages of `entries`: neighbouring ones that are in memory at once, others one by one.
 */
static int entries_read(struct neap_os_process *process, const uint64_t *entries, uint64_t address, char *out,
                        size_t bytes) {
    size_t i = 0;
    int error = NEAP_OK;
    while (bytes > 0 && error == NEAP_OK) {
        size_t part = page_part(address, bytes);
        uint64_t entry = entries[i++];
        if (neap_os_page_present(entry)) {
            while (part < bytes && neap_os_page_present(entries[i])) {
                part += page_part(address + part, bytes - part);
                i++;
            }
            error = transfer(memory_read, process->memory, address, out, part);
        } else if (neap_os_page_swapped(entry)) {
            error = swapped_read(process, address, out, part);
        } else {
            error = untouched_read(process, address, out, part);
        }
        address += part;
        out += part;
        bytes -= part;
    }
    return error;
}

int neap_os_process_read(neap_os_process_t *process, uint64_t address, void *out, size_t bytes) {
    char *to = out;
    size_t page = neap_os_page_bytes();
    if (address > INT64_MAX || bytes > (uint64_t)INT64_MAX - address)
        return NEAP_ERROR_FORMAT;
    if (!process->residence)
        return transfer(memory_read, process->memory, address, to, bytes);
    while (bytes > 0) {
        uint64_t entries[ENTRIES_A_READ];
        size_t room = ENTRIES_A_READ * page - (size_t)(address % page), part = bytes < room ? bytes : room;
        int error = neap_os_residence_read(process->residence, address, entries,
                                           (part + (size_t)(address % page) + page - 1) / page);
        if (error == NEAP_OK)
            error = entries_read(process, entries, address, to, part);
        if (error != NEAP_OK)
            return error;
        address += part;
        to += part;
        bytes -= part;
    }
    return NEAP_OK;
}

int neap_os_process_write(neap_os_process_t *process, uint64_t address, const void *data, size_t bytes) {
    if (address > INT64_MAX || bytes > (uint64_t)INT64_MAX - address)
        return NEAP_ERROR_FORMAT;
    return transfer(memory_write, process->memory, address, (char *)(uintptr_t)data, bytes);
}

/* --- many pages ---------------------------------------------------------------- */

/* The rest of a piece from `from` on, through `mem`. What cannot be read is missing, page by page. With
 * `sift`, pages of zeros are not written. */
static int piece_read(const struct neap_os_process *process, const struct neap_os_process_piece *piece,
                      size_t from, bool sift, uint64_t *missing) {
    unsigned char bounce[SIFT_BYTES];
    while (from < piece->bytes) {
        size_t part = piece->bytes - from < SIFT_BYTES ? piece->bytes - from : SIFT_BYTES;
        char *out = (char *)piece->out + from;
        ssize_t done = memory_read(process->memory, piece->address + from, sift ? bounce : (void *)out, part);
        if (done == 0)
            return NEAP_ERROR_PROCESS;
        if (done < 0 && errno != EIO)
            return neap__os_proc_error();
        size_t read = done < 0 ? 0 : (size_t)done;
        for (size_t at = 0; sift && at < read;) {
            size_t page = page_part(piece->address + from + at, read - at);
            if (bounce[at] != 0 || memcmp(bounce + at, bounce + at + 1, page - 1) != 0)
                memcpy(out + at, bounce + at, page);
            at += page;
        }
        if (read == 0) {
            read = page_part(piece->address + from, part);
            *missing += read;
        }
        from += read;
    }
    return NEAP_OK;
}

int neap_os_process_sift(const neap_os_process_t *process, const struct neap_os_process_piece *piece,
                         uint64_t *missing_bytes) {
    uint64_t missing = 0;
    int error = piece_read(process, piece, 0, true, &missing);
    if (error == NEAP_OK)
        *missing_bytes += missing;
    return error;
}

/* Reads as many pieces as one call takes; *count is how many that were. */
static int gather_some(const struct neap_os_process *process, const struct neap_os_process_piece *pieces,
                       size_t *count, uint64_t *missing) {
    struct iovec here[PIECES_A_CALL] = {{0}}, there[PIECES_A_CALL] = {{0}};
    size_t most = 0;
    for (; most < *count && most < PIECES_A_CALL; most++) {
        if (pieces[most].address != (uintptr_t)pieces[most].address)
            break; /* of a 64-bit process, and we are not */
        here[most] = (struct iovec){pieces[most].out, pieces[most].bytes};
        there[most] = (struct iovec){(void *)(uintptr_t)pieces[most].address, pieces[most].bytes};
    }
    ssize_t done = process_vm_readv(process->pid, here, most, there, most, 0);
    if (done < 0 && errno == ESRCH)
        return NEAP_ERROR_PROCESS;
    size_t left = done < 0 ? 0 : (size_t)done, whole = 0; /* a call that is refused has read nothing */
    while (whole < most && left >= pieces[whole].bytes)
        left -= pieces[whole++].bytes;
    int error = NEAP_OK;
    if (whole < most || whole == 0) /* a hole, or the most that one call moves, or no call at all */
        error = piece_read(process, &pieces[whole++], left, false, missing);
    *count = whole;
    return error;
}

int neap_os_process_gather(const neap_os_process_t *process, const struct neap_os_process_piece *pieces,
                           size_t count, uint64_t *missing_bytes) {
    int error = NEAP_OK;
    uint64_t missing = 0;
    while (error == NEAP_OK && count > 0) {
        size_t done = count;
        error = gather_some(process, pieces, &done, &missing);
        if (error == NEAP_OK) {
            pieces += done;
            count -= done;
        }
    }
    if (error == NEAP_OK)
        *missing_bytes += missing;
    return error;
}
