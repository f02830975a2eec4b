/* os/process_tree.c: finds the descendants of a process. */
#include "os/process_tree.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/process_info.h"

/* All processes of the system at the last update, in ascending order of pid. */
struct seen {
    pid_t *pids;
    bool *members;
    size_t count, room;
};

struct neap_os_process_tree {
    pid_t top, except;
    long last_pid; /* the system's last pid at the last update; -1 before the first */
    struct seen seen;
    pid_t *members;
    size_t member_count;
};

neap_os_process_tree_t *neap_os_process_tree_new(pid_t top) {
    neap_os_process_tree_t *tree = calloc(1, sizeof(*tree));
    if (tree)
        *tree = (struct neap_os_process_tree){.top = top, .last_pid = -1};
    return tree;
}

static void seen_clear(struct seen *seen) {
    free(seen->pids);
    free(seen->members);
    *seen = (struct seen){0};
}

void neap_os_process_tree_destroy(neap_os_process_tree_t *tree) {
    if (!tree)
        return;
    seen_clear(&tree->seen);
    free(tree->members);
    free(tree);
}

void neap_os_process_tree_except(neap_os_process_tree_t *tree, pid_t session) {
    tree->except = session;
}

const pid_t *neap_os_process_tree_members(const neap_os_process_tree_t *tree, size_t *count) {
    *count = tree->member_count;
    return tree->members;
}

/* The pid that was assigned last in this namespace. It changes whenever a process or thread begins. -1 if the
 * system does not tell. */
static long last_pid_read(void) {
    FILE *file = fopen("/proc/loadavg", "re");
    if (!file)
        return -1;
    char line[128];
    const char *last = fgets(line, sizeof(line), file) ? strrchr(line, ' ') : NULL;
    fclose(file);
    return last ? strtol(last, NULL, 10) : -1;
}

static int seen_add(struct seen *seen, pid_t pid) {
    if (seen->count == seen->room) {
        size_t room = seen->room ? seen->room * 2 : 256;
        pid_t *pids = realloc(seen->pids, room * sizeof(*pids));
        if (pids)
            seen->pids = pids;
        bool *members = realloc(seen->members, room * sizeof(*members));
        if (members)
            seen->members = members;
        if (!pids || !members)
            return NEAP_ERROR_MEMORY;
        seen->room = room;
    }
    seen->pids[seen->count] = pid;
    seen->members[seen->count++] = false;
    return 0;
}

static int pid_compare(const void *a, const void *b) {
    pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;
    return (left > right) - (left < right);
}

static int seen_list(struct seen *seen) {
    DIR *directory = opendir("/proc");
    if (!directory)
        return NEAP_ERROR_SYSTEM;
    int error = 0;
    const struct dirent *entry;
    while (!error && (entry = readdir(directory)))
        if (isdigit((unsigned char)entry->d_name[0]))
            error = seen_add(seen, (pid_t)strtol(entry->d_name, NULL, 10));
    closedir(directory);
    if (!error && seen->count > 0)
        qsort(seen->pids, seen->count, sizeof(*seen->pids), pid_compare);
    return error;
}

static const bool *seen_find(const struct seen *seen, pid_t pid) {
    const pid_t *found =
        seen->count ? bsearch(&pid, seen->pids, seen->count, sizeof(pid), pid_compare) : NULL;
    return found ? &seen->members[found - seen->pids] : NULL;
}

/* Whether `pid`, which is new, descends from the top. */
static bool belongs(const neap_os_process_tree_t *tree, const struct seen *now, pid_t pid) {
    struct neap_os_process_info_stat stat;
    if (pid == tree->top || neap_os_process_info_stat(pid, &stat) != 0)
        return false;
    if (tree->except != 0 && stat.session == tree->except)
        return false;
    const bool *parent = seen_find(now, stat.parent);
    return stat.parent == tree->top || (parent && *parent);
}

/* Marks the members. A parent has a lower pid than its child unless the numbers have wrapped around. So one
 * pass usually finds all, and a second one changes nothing. */
static void members_mark(const neap_os_process_tree_t *tree, struct seen *now) {
    bool changed = true;
    for (size_t i = 0; i < now->count; i++) {
        const bool *before = seen_find(&tree->seen, now->pids[i]);
        now->members[i] = before && *before;
    }
    while (changed) {
        changed = false;
        for (size_t i = 0; i < now->count; i++) {
            if (now->members[i] || seen_find(&tree->seen, now->pids[i]))
                continue;
            now->members[i] = belongs(tree, now, now->pids[i]);
            changed |= now->members[i];
        }
    }
}

int neap_os_process_tree_update(neap_os_process_tree_t *tree) {
    long last_pid = last_pid_read();
    if (last_pid >= 0 && last_pid == tree->last_pid)
        return 0;
    struct seen now = {0};
    int error = seen_list(&now);
    pid_t *members = error ? NULL : malloc((now.count + 1) * sizeof(*members));
    if (!members) {
        seen_clear(&now);
        return error ? error : NEAP_ERROR_MEMORY;
    }
    members_mark(tree, &now);
    tree->member_count = 0;
    free(tree->members);
    tree->members = members;
    for (size_t i = 0; i < now.count; i++)
        if (now.members[i])
            members[tree->member_count++] = now.pids[i];
    seen_clear(&tree->seen);
    tree->seen = now;
    tree->last_pid = last_pid;
    return 0;
}
