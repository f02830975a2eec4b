/* cli/pid_argument.c: finds the process of a PID, or says in one line why it cannot be used. */
#include "cli/pid_argument.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/option.h"
#include "cli/verb.h"
#include "os/process_memory.h"
#include "os/refusal.h"

bool cli_pid_parse(const char *text, pid_t *pid) {
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value <= 0 || value > INT_MAX)
        return false;
    *pid = (pid_t)value;
    return true;
}

/* Writes "process 123 (python3.11)"; without the name if the system does not tell it. */
static const char *target_name(const struct neap_live_heap *target, char *name, size_t bytes) {
    if (target->program[0])
        snprintf(name, bytes, "process %d (%s)", (int)target->pid, target->program);
    else
        snprintf(name, bytes, "process %d", (int)target->pid);
    return name;
}

static int traced_error(const char *name, pid_t tracer) {
    char program[256] = "a debugger, strace", number[32] = "";
    if (tracer != 0) {
        snprintf(number, sizeof(number), ", process %d", (int)tracer);
        neap_os_program(tracer, program, sizeof(program));
    }
    return cli_error(
        CLI_EXIT_NOT_PERMITTED,
        "not permitted to stop %s: another tracer is attached to it%s (%s): end that, or use --no-pause",
        name, number, program);
}

static int permission_error(const char *verb, const struct neap_live_heap *target, const char *name) {
    int pid = (int)target->pid;
    switch (neap_os_refusal_cause(target->pid)) {
    case NEAP_OS_REFUSAL_USER:
        return cli_error(CLI_EXIT_NOT_PERMITTED,
                         "not permitted to read %s: it is another user's: `sudo neap %s %d`", name, verb,
                         pid);
    case NEAP_OS_REFUSAL_PTRACE_SCOPE:
        return cli_error(
            CLI_EXIT_NOT_PERMITTED,
            "not permitted to read %s: kernel.yama.ptrace_scope forbids it: `sudo neap %s %d`, or "
            "`sudo sysctl kernel.yama.ptrace_scope=0`",
            name, verb, pid);
    case NEAP_OS_REFUSAL_TRACED:
        return traced_error(name, neap_os_tracer(target->pid));
    default:
        return cli_error(
            CLI_EXIT_NOT_PERMITTED,
            "not permitted to read %s: the system forbids it, even to its owner: use root with the "
            "capability SYS_PTRACE (docker run --cap-add=SYS_PTRACE)",
            name);
    }
}

int cli_pid_error(const char *verb, const struct neap_live_heap *target, int error) {
    char name[320], program[256];
    target_name(target, name, sizeof(name));
    switch (error) {
    case NEAP_ERROR_PROCESS:
        if (neap_os_program(target->pid, program, sizeof(program)) == NEAP_OK)
            return cli_error(CLI_EXIT_NO_PROCESS,
                             "cannot look into process %d (%s): it has ended, runs another program now, "
                             "or is a kernel thread: name another, or try again",
                             (int)target->pid, program);
        return cli_error(CLI_EXIT_NO_PROCESS, "no %s: `pgrep -a python` lists the running Pythons", name);
    case NEAP_ERROR_PERMISSION:
        return permission_error(verb, target, name);
    case NEAP_ERROR_FORMAT:
        return cli_error(CLI_EXIT_FAILED,
                         "cannot read the heap of %s: at 0x%llx, %s: use the neap that it was started with",
                         name, (unsigned long long)target->fault.address, target->fault.why);
    case NEAP_ERROR_BUSY:
        return cli_error(
            CLI_EXIT_FAILED,
            "cannot read the heap of %s: its tables are in swap, and to read them would bring them "
            "back: try again when it has run for a while",
            name);
    case NEAP_ERROR_TIMEOUT:
        return cli_error(
            CLI_EXIT_FAILED,
            "%s did not answer: its helper thread is switched off (NEAP_HELPER=0), stopped, or not "
            "needed so far: call neap.trim() in the program",
            name);
    default:
        return cli_error(CLI_EXIT_FAILED, "cannot %s %s: %s: try again", verb, name, neap_error_text(error));
    }
}

/* Says why no Neap heap serves a process that can be read. */
static int unserved_error(const struct neap_live_heap *target) {
    char name[320];
    target_name(target, name, sizeof(name));
    if (target->neap && target->anchor.state == NEAP_STATE_REFUSED)
        return cli_error(CLI_EXIT_NO_PROCESS, "%s is not served by Neap: %s: change that and start it again",
                         name, target->anchor.reason);
    if (!target->python)
        return cli_error(CLI_EXIT_NO_PROCESS, "%s is no Python: name the process that Python runs in", name);
    return cli_error(CLI_EXIT_NO_PROCESS, "%s is not under Neap: start it with `neap run`", name);
}

static int target_open(const char *verb, bool to_trim, int argc, char **argv, struct neap_live_heap *target) {
    pid_t pid;
    if (argc != 1)
        return cli_error(CLI_EXIT_USAGE, "%s takes one process, not %d: give its PID, like `neap %s 1234`",
                         verb, argc, verb);
    if (!cli_pid_parse(argv[0], &pid))
        return cli_error(CLI_EXIT_USAGE, "'%s' is no PID: give a number, like `neap %s 1234`", argv[0], verb);
    int error = neap_live_heap_find(pid, to_trim, target);
    if (error == NEAP_OK)
        return CLI_GO_ON;
    int code = cli_pid_error(verb, target, error);
    neap_live_heap_close(target);
    return code;
}

int cli_pid_open(const char *verb, int argc, char **argv, struct neap_live_heap *target) {
    return target_open(verb, false, argc, argv, target);
}

bool cli_pid_served(const struct neap_live_heap *target) {
    return target->neap && target->anchor.state == NEAP_STATE_SERVING;
}

int cli_pid_find(const char *verb, int argc, char **argv, struct neap_live_heap *target) {
    int code = target_open(verb, true, argc, argv, target);
    if (code != CLI_GO_ON || cli_pid_served(target))
        return code;
    code = unserved_error(target);
    neap_live_heap_close(target);
    return code;
}
