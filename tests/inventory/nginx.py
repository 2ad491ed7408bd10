#!/usr/bin/env python3
"""nginx.py UTRAMP - attach to both workers of an nginx that answers on kept connections.

Every answer's status and body is checked; the connections are the same from the beginning to the
end, so each that is closed is an error.
"""
import http.client
import os
import shutil
import socket
import sys

from attached import lib
from server import Load, Server, check_load, children, program, visit_under_load

UTRAMP = sys.argv[1]
WORKERS = 2

CONFIG = '''
daemon off;
worker_processes {workers};
{user}
pid {tmp}/pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {tmp}/body;
    proxy_temp_path {tmp}/proxy;
    fastcgi_temp_path {tmp}/fastcgi;
    uwsgi_temp_path {tmp}/uwsgi;
    scgi_temp_path {tmp}/scgi;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    server {{
        listen 127.0.0.1:{port} reuseport;
        root {tmp}/www;
        add_header X-Worker $pid always;
    }}
}}
'''


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


class Client:
    def __init__(self, port, files):
        self.c = http.client.HTTPConnection('127.0.0.1', port, timeout=20)
        self.c.auto_open = 0  # a connection that was closed is not opened anew
        self.c.connect()
        self.files = files
        self.n = 0
        self.worker = self.once()

    def once(self):
        name, (status, body) = self.files[self.n % len(self.files)]
        self.n += 1
        self.c.request('GET', '/' + name)
        r = self.c.getresponse()
        got = r.read()
        if r.status != status or body is not None and got != body:
            raise ValueError(f'{name}: status {r.status}, {len(got)} bytes')
        return int(r.getheader('X-Worker'))

    def close(self):
        self.c.close()


def clients(port, files, each):
    """As many connections to each worker; which one accepts is the kernel's choice."""
    kept = {}
    for _ in range(200):
        c = Client(port, files)
        if len(kept.setdefault(c.worker, [])) < each:
            kept[c.worker].append(c)
        else:
            c.close()
        if len(kept) == WORKERS and all(len(x) == each for x in kept.values()):
            break
    return [c for x in kept.values() for c in x]


def start(tmp):
    nginx = program('nginx')
    for _ in range(5):  # somebody may take the port before nginx does
        port = free_port()
        user = 'user nobody nogroup;' if os.geteuid() == 0 else ''
        (tmp / 'conf').write_text(CONFIG.format(tmp=tmp, port=port, workers=WORKERS, user=user))
        server = Server([nginx, '-p', tmp, '-c', tmp / 'conf'], tmp, lambda: answers(port))
        if server.up:
            break
    return server, port


def site(tmp):
    www = tmp / 'www'
    www.mkdir()
    www.chmod(0o755)
    tmp.chmod(0o755)
    small = b'small, and known\n' * 10
    large = bytes(i * i % 251 for i in range(300000))
    (www / 'small').write_bytes(small)
    (www / 'large').write_bytes(large)
    return [('small', (200, small)), ('large', (200, large)), ('none', (404, None))]


def main():
    tap = lib.Tap()
    tmp = lib.scratch()
    files = site(tmp)
    server, port = start(tmp)
    if tap.ok(server.up, 'nginx answers', server.said()):
        some = clients(port, files, 2)
        pids = sorted({c.worker for c in some})
        tap.ok(len(pids) == WORKERS and pids == sorted(children(server.p.pid)),
               f'connections to {len(pids)} workers', pids)
        load = Load(some)
        load.run(0.5)
        check_load(tap, 'before', load, 0)
        visit_under_load(tap, 'nginx', UTRAMP, 'count', pids,
                         ['ngx_http_process_request', 'ngx_palloc', 'libc:recv', 'libc:writev',
                          'libc:epoll_wait'], 1, load, tmp)
        visit_under_load(tap, 'nginx', UTRAMP, 'trace', pids,
                         ['ngx_http_finalize_request', 'libc:writev'], 0.5, load, tmp)
        done = load.done
        load.run(0.3)
        check_load(tap, 'behind', load, done)
        tap.ok(sorted(children(server.p.pid)) == pids, 'the same workers as before')
        for c in some:
            c.close()
    code = server.end()
    tap.ok(code == 0, f'nginx ends with {code}', server.said())
    shutil.rmtree(tmp)
    tap.end()


main()
