/* os/worker.c: fork, a pipe, waitpid. */
#include "os/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int neap_os_worker_begin(struct neap_os_worker *worker) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return NEAP_ERROR_SYSTEM;
    pid_t owner = getpid(), pid = fork();
    if (pid == 0) {
        close(ends[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != owner) /* it died before we asked to be told */
            _exit(1);
        *worker = (struct neap_os_worker){.pid = 0, .pipe = ends[1]};
        return NEAP_OK;
    }
    int reason = errno;
    close(ends[1]);
    if (pid > 0) {
        *worker = (struct neap_os_worker){.pid = pid, .pipe = ends[0]};
        return NEAP_OK;
    }
    close(ends[0]);
    errno = reason;
    return reason == ENOMEM || reason == EAGAIN ? NEAP_ERROR_MEMORY : NEAP_ERROR_SYSTEM;
}

bool neap_os_worker_send(const struct neap_os_worker *worker, const void *bytes, size_t count) {
    const char *from = bytes;
    while (count > 0) {
        ssize_t done = write(worker->pipe, from, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        from += done;
        count -= (size_t)done;
    }
    return true;
}

bool neap_os_worker_receive(const struct neap_os_worker *worker, void *bytes, size_t count) {
    char *to = bytes;
    while (count > 0) {
        ssize_t done = read(worker->pipe, to, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        to += done;
        count -= (size_t)done;
    }
    return true;
}

struct neap_os_worker_ending neap_os_worker_end(struct neap_os_worker *worker) {
    int status = 0;
    pid_t done;
    close(worker->pipe);
    do
        done = waitpid(worker->pid, &status, 0);
    while (done < 0 && errno == EINTR);
    worker->pid = 0;
    if (done < 0) /* our parent told the kernel to forget our children (SIGCHLD ignored) */
        return (struct neap_os_worker_ending){.status = 0};
    return WIFSIGNALED(status) ? (struct neap_os_worker_ending){.signal = WTERMSIG(status)}
                               : (struct neap_os_worker_ending){.status = WEXITSTATUS(status)};
}

void neap_os_worker_end_likewise(int signal_number) {
    sigset_t one;
    signal(signal_number, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, signal_number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    raise(signal_number);
}
