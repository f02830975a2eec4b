/* os/file_guard.c: the table of guarded mappings, and the handler of SIGBUS that reads it.
 *
 * A thread that faults in a mapping keeps that mapping's entry as it is, because nobody may move or
 * remove a guard while the mapping is used. Any other entry may change while the handler reads it: its
 * sequence then is odd or another, and it is passed over.
 */
#include "os/file_guard.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/memory.h"

enum { CHUNK_GUARDS = 64, WAIT_STEPS = 1000 };

struct chunk {
    struct neap_os_file_guard guards[CHUNK_GUARDS];
    _Atomic(struct chunk *) next; /* only ever added */
};

static struct chunk first_chunk;
static _Atomic size_t page_bytes; /* known before the handler is installed */

/* --- what the handler does: only what may be done in any thread at any moment ----- */

struct range {
    uintptr_t start, end;
};

/* The range of an entry; empty if it changes just now. */
static struct range range_of(struct neap_os_file_guard *guard) {
    uint32_t sequence = atomic_load(&guard->sequence);
    struct range range = {atomic_load(&guard->start), atomic_load(&guard->end)};
    bool same = atomic_load(&guard->sequence) == sequence;
    return same && sequence % 2 == 0 ? range : (struct range){0, 0};
}

/* Private pages of zeros in the place of others. By the system call itself, which nothing intercepts. */
static bool map_zeros(uintptr_t from, size_t bytes, int access) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
#ifdef SYS_mmap2
    return syscall(SYS_mmap2, from, bytes, access, flags, -1, 0) != -1;
#else
    return syscall(SYS_mmap, from, bytes, access, flags, -1, 0) != -1;
#endif
}

/* Patches pages that the file lost. The mark comes first, so that whoever reads the zeros finds it. */
static bool patch(struct neap_os_file_guard *guard, uintptr_t from, uintptr_t to) {
    int access = atomic_load(&guard->writable) ? PROT_READ | PROT_WRITE : PROT_READ;
    atomic_store(&guard->cut, true);
    return map_zeros(from, to - from, access);
}

/* Whether the page can be read. The kernel looks at the argument and refuses it for one of two reasons. */
static bool is_readable(uintptr_t page) {
    enum { NO_WAY_TO_CHANGE = -1, KERNEL_SET_BYTES = 8 };
    return syscall(SYS_rt_sigprocmask, NO_WAY_TO_CHANGE, page, NULL, KERNEL_SET_BYTES) == 0 ||
           errno != EFAULT;
}

/* Patches what a mapping lost of its end; false if it lost nothing. */
static bool patch_end(struct neap_os_file_guard *guard, struct range range) {
    uintptr_t low = range.start / page_bytes, high = (range.end - 1) / page_bytes;
    if (is_readable(high * page_bytes))
        return false;
    while (low < high) { /* the first page that is lost */
        uintptr_t middle = low + (high - low) / 2;
        if (is_readable(middle * page_bytes))
            low = middle + 1;
        else
            high = middle;
    }
    return patch(guard, low * page_bytes, range.end);
}

static bool handle_fault(uintptr_t address) {
    for (struct chunk *chunk = &first_chunk; chunk; chunk = atomic_load(&chunk->next)) {
        for (int i = 0; i < CHUNK_GUARDS; i++) {
            struct range range = range_of(&chunk->guards[i]);
            if (address >= range.start && address < range.end) {
                uintptr_t page = address / page_bytes * page_bytes;
                return patch(&chunk->guards[i], page, page + page_bytes);
            }
        }
    }
    return false;
}

/* For a signal without an address. The mappings may be those of other threads, who wait before they unmap one
 * while a handler is at work in it. */
static bool handle_raise(void) {
    bool explained = false;
    for (struct chunk *chunk = &first_chunk; chunk; chunk = atomic_load(&chunk->next)) {
        for (int i = 0; i < CHUNK_GUARDS; i++) {
            struct neap_os_file_guard *guard = &chunk->guards[i];
            atomic_fetch_add(&guard->patching, 1);
            struct range range = range_of(guard);
            if (range.start < range.end)
                explained = patch_end(guard, range) || explained;
            atomic_fetch_sub(&guard->patching, 1);
        }
    }
    return explained;
}

/* --- every other SIGBUS ----------------------------------------------------------------
 *
 * The handler is put on top again when it finds another one there, at the next guard or after a
 * handler before it has put its own predecessor in place. That other one may know this one as its
 * predecessor and raise the signal again for it. Within such a call, the signal goes to the first action
 * that was ever found, and from there to the default, so that two handlers do not call each other for ever.
 */

enum { ACTIONS = 16, NESTED_BYTES_MAX = 1 << 20 };

static struct sigaction actions[ACTIONS]; /* found under the handler; entry 0 is the first */
static _Atomic unsigned latest;           /* of them */

/* Where this thread passes a signal on, and how deep; a handler may leave the call by a jump. In memory that
 * the thread has from its start: other thread-local memory may be allocated by an access. */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
    uintptr_t frame;
    unsigned depth;
} passing;

static void handler(int number, siginfo_t *info, void *context);

static bool is_handler(const struct sigaction *action) {
    return action->sa_flags & SA_SIGINFO || (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

/* Puts the handler on top, if it is not there. Two threads at once find and do the same. 0, or -1 where the
 * system refuses. */
static int install(void) {
    const struct sigaction action = {.sa_sigaction = handler,
                                     .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    static _Atomic bool installed;
    struct sigaction now;
    if (sigaction(SIGBUS, NULL, &now) != 0)
        return -1;
    if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == handler)
        return 0;
    unsigned next = !atomic_load(&installed) ? 0 : atomic_load(&latest) % (ACTIONS - 1) + 1;
    actions[next] = now; /* before the handler can run */
    atomic_store(&latest, next);
    atomic_store(&installed, true);
    return sigaction(SIGBUS, &action, NULL);
}

/* What the kernel would do without this handler: the signal comes again, with the default action. */
static void end_by_default(int number, siginfo_t *info) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(number, &action, NULL);
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), number, info) != 0)
        raise(number);
}

/* Calls a handler as the kernel would. */
static void call(struct sigaction *action, int number, siginfo_t *info, void *context) {
    const struct sigaction called = *action;
    sigset_t during = called.sa_mask, mask;
    if (!((unsigned)called.sa_flags & SA_NODEFER))
        sigaddset(&during, number);
    if ((unsigned)called.sa_flags & SA_RESETHAND)
        *action = (struct sigaction){.sa_handler = SIG_DFL};
    pthread_sigmask(SIG_BLOCK, &during, &mask);
    if (called.sa_flags & SA_SIGINFO)
        called.sa_sigaction(number, info, context);
    else
        called.sa_handler(number);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void pass_on(int number, siginfo_t *info, void *context) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (here >= passing.frame || passing.frame - here > NESTED_BYTES_MAX)
        passing.depth = 0; /* the last call was left by a jump */
    struct sigaction *action = &actions[passing.depth == 0 ? atomic_load(&latest) : 0];
    if (passing.depth <= 1 && is_handler(action)) {
        uintptr_t frame = passing.frame;
        passing.frame = here;
        passing.depth++;
        call(action, number, info, context);
        passing.depth--;
        passing.frame = frame;
        install();
    } else if (action->sa_handler != SIG_IGN || info->si_code > 0) { /* a fault cannot be ignored */
        end_by_default(number, info);
    }
}

static void handler(int number, siginfo_t *info, void *context) {
    int reason = errno;
    bool handled = false;
    if (info->si_code == BUS_ADRERR)
        handled = handle_fault((uintptr_t)info->si_addr);
    else if (info->si_code == SI_TKILL && info->si_pid == getpid())
        handled = handle_raise();
    if (!handled)
        pass_on(number, info, context);
    errno = reason;
}

/* --- guards -------------------------------------------------------------------------------- */

static struct neap_os_file_guard *take_from(struct chunk *chunk) {
    for (int i = 0; i < CHUNK_GUARDS; i++) {
        bool taken = false;
        if (atomic_compare_exchange_strong(&chunk->guards[i].taken, &taken, true))
            return &chunk->guards[i];
    }
    return NULL;
}

/* Takes a free entry; makes more of them if there is none. Without a lock, so that a fork may come at
 * any moment. */
static struct neap_os_file_guard *take(void) {
    for (struct chunk *chunk = &first_chunk;;) {
        struct neap_os_file_guard *guard = take_from(chunk);
        if (guard)
            return guard;
        struct chunk *next = atomic_load(&chunk->next);
        if (!next) {
            size_t bytes = (sizeof(*next) + page_bytes - 1) / page_bytes * page_bytes;
            void *memory;
            if (neap_os_map(bytes, &memory) != NEAP_OK)
                return NULL;
            if (atomic_compare_exchange_strong(&chunk->next, &next, (struct chunk *)memory))
                next = memory;
            else
                neap_os_release(memory, bytes);
        }
        chunk = next;
    }
}

static void set_range(struct neap_os_file_guard *guard, uintptr_t start, uintptr_t end) {
    atomic_fetch_add(&guard->sequence, 1);
    atomic_store(&guard->start, start);
    atomic_store(&guard->end, end);
    atomic_fetch_add(&guard->sequence, 1);
    /* Not for ever: after a fork there may be no such thread in the child. */
    for (int i = 0; i < WAIT_STEPS && atomic_load(&guard->patching) != 0; i++)
        sched_yield();
}

/* The end of the last page: an access behind the last byte of a file is an access to its page. */
static uintptr_t end_of(const void *start, size_t bytes) {
    return ((uintptr_t)start + bytes + page_bytes - 1) / page_bytes * page_bytes;
}

int neap_os_file_guard_add(const void *start, size_t bytes, bool writable,
                           struct neap_os_file_guard **guard) {
    page_bytes = neap_os_page_bytes();
    if (install() != 0)
        return NEAP_ERROR_SYSTEM;
    struct neap_os_file_guard *taken = take();
    if (!taken)
        return NEAP_ERROR_MEMORY;
    atomic_store(&taken->writable, writable);
    neap_os_file_guard_move(taken, start, bytes);
    *guard = taken;
    return NEAP_OK;
}

void neap_os_file_guard_move(struct neap_os_file_guard *guard, const void *start, size_t bytes) {
    install(); /* another handler may have come and gone */
    atomic_store(&guard->cut, false);
    set_range(guard, (uintptr_t)start, end_of(start, bytes));
}

void neap_os_file_guard_remove(struct neap_os_file_guard *guard) {
    if (!guard)
        return;
    set_range(guard, 0, 0);
    atomic_store(&guard->taken, false);
}
