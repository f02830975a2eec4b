/* os/child.c: starts children, waits for them and reaps them. */
#include "os/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"

enum { AWAIT_MAX = 8 };

/* --- environment ------------------------------------------------------- */

/* Whether `entry` ("NAME=value") has the name in `change` ("NAME" or "NAME=value"). */
static bool names_match(const char *entry, const char *change) {
    size_t length = strcspn(change, "=");
    return strncmp(entry, change, length) == 0 && entry[length] == '=';
}

static bool is_changed(const char *entry, const char *const *changes) {
    for (; *changes; changes++)
        if (names_match(entry, *changes))
            return true;
    return false;
}

/* Returns this process's environment with the changes. Only the array is new. NULL if there is no memory. */
static char **environment_new(const char *const *changes) {
    static const char *const none[] = {NULL};
    if (!changes)
        changes = none;
    size_t room = 1;
    for (char **entry = environ; *entry; entry++)
        room++;
    for (const char *const *change = changes; *change; change++)
        room++;
    char **environment = malloc(room * sizeof(*environment));
    if (!environment)
        return NULL;
    size_t count = 0;
    for (char **entry = environ; *entry; entry++)
        if (!is_changed(*entry, changes))
            environment[count++] = *entry;
    for (; *changes; changes++)
        if (strchr(*changes, '='))
            environment[count++] = (char *)*changes; /* exec does not change them */
    environment[count] = NULL;
    return environment;
}

/* --- start ------------------------------------------------------------- */

/* Makes `source` descriptor `target` of the child; /dev/null if `source` is -1. */
static bool stream_put(int source, int target) {
    if (source < 0)
        source = open("/dev/null", O_RDWR | O_CLOEXEC);
    return source >= 0 && dup2(source, target) == target;
}

/* Runs in the child. If it cannot execute the command, it writes errno to `report`. */
static _Noreturn void child_become(const struct neap_os_command *command, char **environment, pid_t parent,
                                   int report) {
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* the parent died before the prctl */
        _exit(1);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    if (stream_put(-1, STDIN_FILENO) && stream_put(command->output, STDOUT_FILENO) &&
        stream_put(command->errors, STDERR_FILENO))
        execvpe(command->argv[0], command->argv, environment);
    int reason = errno;
    (void)!write(report, &reason, sizeof(reason));
    _exit(127);
}

/* Reads what the child wrote before exec closed the pipe: its errno, or 0 if it wrote nothing. */
static int start_result(int report) {
    int reason = 0;
    ssize_t got;
    do
        got = read(report, &reason, sizeof(reason));
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(reason) ? reason : 0;
}

int neap_os_child_start(const struct neap_os_command *command, pid_t *pid) {
    int report[2];
    char **environment = environment_new(command->environment);
    if (!environment)
        return NEAP_ERROR_MEMORY;
    if (pipe2(report, O_CLOEXEC) != 0) {
        free(environment);
        return NEAP_ERROR_SYSTEM;
    }
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0)
        child_become(command, environment, parent, report[1]);
    int reason = child < 0 ? errno : 0;
    close(report[1]);
    if (child > 0)
        reason = start_result(report[0]);
    close(report[0]);
    free(environment);
    if (reason == 0) {
        *pid = child;
        return 0;
    }
    if (child > 0)
        waitpid(child, NULL, 0);
    errno = reason;
    return reason == ENOENT || reason == ENOTDIR  ? NEAP_ERROR_ABSENT
           : reason == EACCES                     ? NEAP_ERROR_PERMISSION
           : reason == ENOMEM || reason == EAGAIN ? NEAP_ERROR_MEMORY
                                                  : NEAP_ERROR_SYSTEM;
}

/* --- waiting ----------------------------------------------------------- */

void neap_os_child_await(const pid_t *pids, size_t count, uint64_t until_ns) {
    struct pollfd polls[AWAIT_MAX];
    nfds_t open_count = 0;
    bool blind = false; /* there is a child without a descriptor, so return soon */
    for (size_t i = 0; i < count && i < AWAIT_MAX; i++) {
        int fd = (int)syscall(SYS_pidfd_open, pids[i], 0u);
        if (fd >= 0)
            polls[open_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        else
            blind = true; /* the kernel is older than 5.3, or refuses */
    }
    uint64_t now = neap_os_now_ns();
    uint64_t left_ns = until_ns > now ? until_ns - now : 0;
    if (blind && left_ns > 1000000)
        left_ns = 1000000;
    struct timespec left = {(time_t)(left_ns / 1000000000), (long)(left_ns % 1000000000)};
    ppoll(polls, open_count, &left, NULL);
    for (nfds_t i = 0; i < open_count; i++)
        close(polls[i].fd);
}

static uint64_t timeval_ns(struct timeval time) {
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

int neap_os_child_reap(pid_t pid, struct neap_os_ending *ending) {
    struct rusage usage;
    int status;
    pid_t ended;
    do
        ended = wait4(pid, &status, WNOHANG, &usage);
    while (ended < 0 && errno == EINTR);
    if (ended == 0)
        return NEAP_ERROR_TIMEOUT;
    if (ended < 0)
        return NEAP_ERROR_PROCESS;
    *ending = (struct neap_os_ending){
        .pid = ended,
        .status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
        .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
        .cpu_ns = timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime),
        .peak_bytes = (uint64_t)usage.ru_maxrss * 1024,
    };
    return 0;
}

int neap_os_child_adopt_orphans(void) {
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 ? 0 : NEAP_ERROR_SYSTEM;
}
