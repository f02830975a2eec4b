/* inspect/neap_heap/live_neap_heap.c: finds Neap's library in a process and talks to its anchor. */
#include "inspect/neap_heap/live_neap_heap.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/outside_text.h"
#include "os/clock.h"
#include "os/process_memory.h"
#include "os/thread.h"

enum {
    READ_ATTEMPTS = 3, /* a region may be given back while its units are read */
    RING_MS = 10,
    LIBRARIES_MAX = 8, /* mappings of a library that may hold its data */
};

struct survey {
    bool python;
    unsigned count;
    uint64_t library_end;                       /* of the mapping before, if it was a library of Neap's */
    struct neap_os_mapping data[LIBRARIES_MAX]; /* writable mappings of Neap's libraries */
};

static int process_read(void *context, uint64_t address, void *out, size_t bytes) {
    const struct neap_live_heap *target = context;
    return neap_os_process_read(target->process, address, out, bytes);
}

static struct neap_memory memory_of(struct neap_live_heap *target) {
    return (struct neap_memory){.read = process_read, .context = target};
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

static bool mapping_survey(void *context, const struct neap_os_mapping *mapping) {
    struct survey *survey = context;
    const char *name = last_part(mapping->path);
    survey->python |= starts_with(name, "libpython");
    bool ours = starts_with(name, "libneap-preload.so") || starts_with(name, "libneap.so");
    bool zeroed = mapping->path[0] == '\0' && mapping->start == survey->library_end; /* its .bss */
    bool writable = mapping->access[0] == 'r' && mapping->access[1] == 'w';
    if ((ours || zeroed) && writable && survey->count < LIBRARIES_MAX)
        survey->data[survey->count++] = *mapping;
    survey->library_end = ours ? mapping->end : 0;
    return true;
}

static const uint32_t *wakeup_page_open(const struct neap_live_heap *target,
                                        const struct neap_os_mapping *library) {
    char path[sizeof(library->path) + 64];
    return neap_os_mapped_file(target->process, library, path, sizeof(path)) == NEAP_OK
               ? neap_os_wakeup_page_open(path)
               : NULL;
}

/* Takes the first anchor that serves, or else the first. A program may also have linked libneap.so. */
static int anchor_search(struct neap_live_heap *target, const struct survey *survey) {
    struct neap_memory memory = memory_of(target);
    int verdict = NEAP_OK;
    for (unsigned i = 0; i < survey->count; i++) {
        const struct neap_os_mapping *data = &survey->data[i];
        struct neap_layout_anchor anchor;
        uint64_t address;
        int result =
            neap_heap_anchor_find(&memory, data->start, data->end, &anchor, &address, &target->fault);
        if (result != NEAP_OK) {
            if (result != NEAP_ERROR_ABSENT)
                verdict = result;
            continue;
        }
        if (target->neap && anchor.state != NEAP_STATE_SERVING)
            continue;
        target->neap = true;
        target->anchor = anchor;
        target->anchor_address = address;
        if (data->path[0] == '\0' && i > 0)
            data--; /* the library's .bss: the file is that of the mapping before */
        neap_os_wakeup_page_close(target->wakeup_page);
        target->wakeup_page = wakeup_page_open(target, data);
        if (anchor.state == NEAP_STATE_SERVING)
            break;
    }
    return target->neap ? NEAP_OK : verdict;
}

/* All that goes by number stands between the opening and the last question, whether it was one program. */
int neap_live_heap_find(pid_t pid, bool to_trim, struct neap_live_heap *target) {
    char path[4096] = "";
    struct survey survey = {0};
    *target = (struct neap_live_heap){.pid = pid};
    int result = neap_os_program(pid, path, sizeof(path));
    snprintf(target->program, sizeof(target->program), "%.255s", last_part(path));
    neap_outside_text_clean(target->program);
    if (result == NEAP_OK)
        result = neap_os_process_open(pid, to_trim, &target->process);
    if (result == NEAP_OK)
        result = neap_os_mappings_visit(pid, mapping_survey, &survey);
    if (result != NEAP_OK)
        return result;
    target->python = survey.python || starts_with(target->program, "python");
    result = anchor_search(target, &survey);
    int same = neap_os_process_same(target->process);
    return same == NEAP_OK ? result : same;
}

void neap_live_heap_close(struct neap_live_heap *target) {
    neap_os_process_close(target->process);
    neap_os_wakeup_page_close(target->wakeup_page);
    target->process = NULL;
    target->wakeup_page = NULL;
}

int neap_live_heap_read(struct neap_live_heap *target, struct neap_heap_view *view) {
    struct neap_memory memory = memory_of(target);
    int result = NEAP_ERROR_FORMAT;
    for (int attempt = 0; attempt < READ_ATTEMPTS && result == NEAP_ERROR_FORMAT; attempt++) {
        result = neap_heap_anchor_read(&memory, target->anchor_address, &target->anchor, &target->fault);
        if (result == NEAP_OK)
            result = neap_heap_read(&memory, &target->anchor, view, &target->fault);
    }
    return result;
}

/* Whether request `a` comes after `b`; the numbers of requests wrap around. */
static bool comes_after(uint32_t a, uint32_t b) {
    return (int32_t)(a - b) > 0;
}

static uint32_t request_number(const struct neap_layout_anchor *anchor) {
    bool waiting = comes_after(anchor->trim_asked, anchor->trim_done);
    uint32_t last = waiting ? anchor->trim_asked : anchor->trim_done;
    return last + 1 != 0 ? last + 1 : 1;
}

static int trim_ask(struct neap_live_heap *target, uint32_t number) {
    uint64_t place = target->anchor_address + offsetof(struct neap_layout_anchor, trim_asked);
    return neap_os_process_write(target->process, place, &number, sizeof(number));
}

/* Another process may ask at the same time and overwrite our number. An answer to a later request
 * answers ours too; an earlier number is replaced by ours again. */
int neap_live_heap_trim(struct neap_live_heap *target, uint32_t timeout_ms, uint64_t *bytes) {
    struct neap_memory memory = memory_of(target);
    const struct neap_layout_anchor *anchor = &target->anchor;
    if (!target->neap || anchor->state != NEAP_STATE_SERVING)
        return NEAP_ERROR_ABSENT;
    int result = neap_heap_anchor_read(&memory, target->anchor_address, &target->anchor, &target->fault);
    uint32_t number = request_number(anchor);
    if (result == NEAP_OK && anchor->helper == NEAP_HELPER_NOT_YET) {
        *bytes = 0; /* there is no helper, because there are almost no free pages */
        return NEAP_OK;
    }
    uint64_t give_up_ns = neap_os_now_ns() + (uint64_t)timeout_ms * 1000000;
    while (result == NEAP_OK && comes_after(number, anchor->trim_done)) {
        if (neap_os_now_ns() > give_up_ns)
            return NEAP_ERROR_TIMEOUT;
        if (comes_after(number, anchor->trim_asked))
            result = trim_ask(target, number);
        /* The word in the wakeup page goes by the process id that the process itself sees: a container has
         * its own numbers. */
        if (target->wakeup_page)
            neap_os_wakeup_page_post(target->wakeup_page, (int)anchor->pid);
        neap_os_sleep_ns((uint64_t)RING_MS * 1000000);
        if (result == NEAP_OK)
            result = neap_heap_anchor_read(&memory, target->anchor_address, &target->anchor, &target->fault);
    }
    if (result == NEAP_OK)
        *bytes = anchor->trim_bytes;
    return result;
}
