/* os/refusal.c: owner, tracer and Yama, by /proc. */
#include "os/refusal.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/kernel_settings.h"
#include "os/proc.h"

/* A number of /proc/PID/what, which is a file like `status`; 0 if it cannot be read. */
static unsigned long long status_ask(pid_t pid, const char *what, const char *key) {
    char path[64], status[NEAP__OS_STATUS_BYTES];
    return neap__os_text_read(neap__os_proc_path(path, sizeof(path), pid, what), status, sizeof(status))
               ? neap__os_status_number(status, key, 10)
               : 0;
}

pid_t neap_os_tracer(pid_t pid) {
    char path[32], what[32];
    unsigned long long tracer = 0; /* a thread */
    DIR *folder = opendir(neap__os_proc_path(path, sizeof(path), pid, "task"));
    const struct dirent *entry;
    while (folder && tracer == 0 && (entry = readdir(folder))) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        snprintf(what, sizeof(what), "task/%.12s/status", entry->d_name);
        tracer = status_ask(pid, what, "\nTracerPid:");
    }
    if (folder)
        closedir(folder);
    return tracer == 0 ? 0 : (pid_t)status_ask((pid_t)tracer, "status", "\nTgid:");
}

enum neap_os_refusal neap_os_refusal_cause(pid_t pid) {
    char path[32];
    struct stat status;
    struct neap_os_kernel_settings settings;
    neap__os_proc_path(path, sizeof(path), pid, ""); /* files in it are root's once a process is undumpable */
    if (stat(path, &status) == 0 && status.st_uid != geteuid() && geteuid() != 0)
        return NEAP_OS_REFUSAL_USER;
    if (neap_os_tracer(pid) != 0)
        return NEAP_OS_REFUSAL_TRACED;
    neap_os_kernel_settings_read(&settings);
    return settings.ptrace_scope > 0 ? NEAP_OS_REFUSAL_PTRACE_SCOPE : NEAP_OS_REFUSAL_PRIVILEGE;
}
