"""What programs do with their arguments: one table a family of programs.

Options are listed positively: an option that no table names is unknown, and an unknown option of a program that can
write or execute is rule A0. Adding a program is adding rows (see :mod:`~claude_orchestrator.safety.programs.framework`),
and its name to ``_FAMILIES`` here: a family is imported when one of its programs is first seen.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claude_orchestrator.safety.programs.framework import Program

_FAMILIES = {
    "builtins": (
        "echo printf true false : test [ cd pushd popd dirs pwd export declare typeset local readonly unset set shift"
        " read mapfile readarray eval source . exec command builtin trap alias unalias shopt hash enable type wait exit"
        " return break continue getopts let ulimit umask jobs fg bg disown times history help caller logout sleep"
    ),
    "readers": (
        "cat tac nl head tail wc ls dir vdir stat file grep egrep fgrep zgrep rg ag ack fd fdfind tree du df diff cmp"
        " comm cut paste join tr rev fold fmt expand unexpand column sort uniq shuf tsort seq factor numfmt basename"
        " dirname realpath readlink md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum cksum sum shasum"
        " base64 base32 basenc xxd od hexdump hd strings less more zcat bzcat xzcat zstdcat zless zmore zdiff lz4cat"
        " bat batcat pr look iconv split csplit yes tee nproc cloc tokei scc colordiff sdiff diff3 pathchk"
        " eza exa lsd which whereis expr bc dc cal ncal"
    ),
    "files": (
        "rm unlink rmdir shred srm trash trash-put cp mv install ln link mkdir touch truncate chmod chown chgrp dd"
        " mktemp mkfifo mknod rsync patch sync rename setfacl chattr"
    ),
    "texts": "find xargs sed gsed awk gawk mawk nawk jq yq parallel",
    "archives": "tar bsdtar zip unzip zipinfo gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd lz4 7z ar cpio",
    "git": "git git-lfs",
    "wrappers": (
        "env printenv sudo doas su time timeout nice ionice nohup setsid stdbuf watch script busybox chroot unshare flock"
        " caffeinate chronic taskset chrt unbuffer gtimeout toybox setarch linux64 linux32 arch runuser pkexec"
        " systemd-run strace ltrace gdb firejail bwrap proxychains proxychains4 torsocks torify entr coproc ts"
    ),
    "shells": "sh bash dash zsh ksh mksh ash fish rbash csh tcsh",
    "network": (
        "curl wget ssh scp sftp ftp lftp tftp nc ncat netcat nc.traditional nc.openbsd socat telnet ping ping6 dig host"
        " nslookup traceroute tracepath mtr nmap whois http https httpie xh aria2c axel rclone s3cmd mail mailx sendmail"
        " mutt msmtp swaks openssl gpg ab wrk hey k6 websocat grpcurl ngrok cloudflared tailscale arp arping ip6tables"
        " lynx w3m links elinks yt-dlp youtube-dl smbclient ldapsearch rdesktop autossh sshpass mosh ssh-copy-id"
        " ssh-keyscan ssh-add ssh-agent ssh-keygen croc wormhole magic-wormhole slack-cli telegram-send tcpdump"
    ),
    "interpreters": (
        "python python3 python2 python3.8 python3.9 python3.10 python3.11 python3.12 python3.13 python3.14 pypy pypy3"
        " ipython node nodejs deno perl ruby irb php lua luajit Rscript R julia tclsh osascript pwsh powershell"
        " groovy scala elixir erl ghci runghc java ts-node tsx swift jshell"
    ),
    "system": (
        "shutdown reboot halt poweroff init telinit systemctl service kill pkill killall xkill skill crontab at batch"
        " mkfs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.fat mkfs.ntfs mkfs.f2fs mke2fs mkswap"
        " mkdosfs newfs"
        " wipefs blkdiscard fdisk sfdisk cfdisk parted sgdisk gdisk cgdisk hdparm mount umount losetup swapon swapoff"
        " insmod modprobe rmmod depmod sysctl useradd usermod userdel adduser deluser groupadd groupmod groupdel passwd"
        " chpasswd gpasswd visudo vipw iptables nft ufw firewall-cmd dmesg journalctl setcap getcap chsh loginctl"
        " hostnamectl timedatectl localectl launchctl pvcreate pvremove vgcreate vgremove lvcreate lvremove cryptsetup"
        " zpool zfs mdadm badblocks e2fsck fsck resize2fs tune2fs debugfs update-rc.d rc-service eject apachectl"
        " nginx supervisorctl pm2 chage newgrp sg nsenter ip ifconfig route kexec"
    ),
    "databases": (
        "psql mysql mariadb mysqladmin mysqldump mysqlimport pg_dump pg_dumpall pg_restore dropdb createdb dropuser"
        " createuser sqlite3 sqlite mongosh mongo mongodump mongorestore redis-cli valkey-cli sqlcmd bq clickhouse"
        " clickhouse-client duckdb cqlsh influx snowsql sqlplus usql pgcli mycli litecli sqitch flyway liquibase"
        " cockroach vacuumdb reindexdb"
    ),
    "information": (
        "whoami logname id groups users who tty uname hostname domainname date free uptime vmstat ps pgrep pidof"
        " pstree locale getconf lscpu lsb_release clear reset"
    ),
    "devtools": (
        "pytest py.test unittest tox nox coverage coverage3 ruff black isort flake8 pylint mypy pyright pre-commit"
    ),
    "nodetools": ("jest vitest mocha eslint prettier tsc npm yarn yarnpkg pnpm bun npx pnpx bunx"),
    "buildtools": (
        "make gmake cargo go mvn gradle dotnet bundle bundler rspec rubocop shellcheck cmake ctest cpack ninja meson"
        " bazel bazelisk buck buck2 pants just task rake sbt ant lein mix rebar3 phpunit phpstan psalm pest swiftlint"
        " xcodebuild flutter dart zig stack cabal dune ghc rustc gcc g++ cc c++ clang clang++ clang-format clang-tidy"
        " cpp ld as gfortran nasm javac kotlinc scalac tsup esbuild rollup webpack vite parcel turbo nx lerna rush"
        " wireit next nuxt astro gatsby ng vue-cli-service playwright cypress ava biome oxlint stylelint standard xo"
        " c8 nyc karma protractor ember hatch pdm pipenv rye pixi invoke inv fab doit sphinx-build mkdocs hugo jekyll"
        " golangci-lint staticcheck gofmt goimports gopls rustfmt rust-analyzer hadolint yamllint markdownlint"
        " codespell bandit vulture pycodestyle pyflakes pydocstyle autopep8 yapf pytype pyre djlint tsserver flask"
        " uvicorn gunicorn hypercorn celery streamlit jupyter django-admin scrapy locust behave robot nosetests nose2"
        " ptw pytest-watch watchexec nodemon concurrently foreman honcho overmind air"
    ),
    "packages": (
        "pip pip3 pip2 pip3.8 pip3.9 pip3.10 pip3.11 pip3.12 pip3.13 pip3.14 uv poetry uvx brew gem composer twine"
        " apt apt-get aptitude dpkg yum dnf microdnf rpm zypper pacman yay paru apk emerge xbps-install nix nix-env"
        " nix-shell guix flatpak snap port pkg pkg_add choco winget scoop conda mamba micromamba easy_install pipx"
        " virtualenv pyenv nvm fnm volta rbenv asdf mise rustup sdk corepack cpan cpanm luarocks opam vcpkg conan"
        " carthage pod mas softwareupdate add-apt-repository ensurepip"
    ),
    "containers": (
        "docker podman nerdctl docker-compose podman-compose buildah skopeo crane ctr crictl lxc lxd incus vagrant"
        " minikube kind k3d colima limactl multipass virsh qemu-system-x86_64 VBoxManage"
    ),
    "services": (
        "gh glab hub tea aws gcloud gsutil az kubectl oc heroku vercel netlify firebase flyctl fly serverless sls"
        " wrangler railway render doctl linode-cli hcloud ibmcloud oci eb sam cdk copilot-cli amplify supabase stripe"
        " twilio sendgrid mailgun slack discord jira linear asana trello notion-cli op bw vault consul nomad"
        " sentry-cli datadog-ci newrelic codecov circleci travis buildkite-agent act surge now ngrok-cli shopify expo"
        " eas fastlane sfdx cf kafka-topics.sh kcat rabbitmqadmin mqtt mosquitto_pub mosquitto_sub nats signal-cli"
        " ntfy notify-send zulip-send telegram pushover apprise msgraph prisma alembic knex sequelize typeorm diesel"
        " sqlx goose-db atlas dbmate hasura rails django-manage velero argocd flux istioctl linkerd eksctl kops"
        " kubeadm kustomize terraform tofu terragrunt pulumi helm helmfile ansible ansible-playbook ansible-galaxy"
        " ansible-vault ansible-pull ansible-console packer salt salt-call puppet chef-client knife cdktf crossplane"
        " skaffold tilt garden"
    ),
    "agents": (
        "claude codex gemini aider cursor-agent opencode goose amp claude-orchestrator qwen copilot crush"
        " @anthropic-ai/claude-code @openai/codex @google/gemini-cli @qwen-code/qwen-code @sourcegraph/amp @github/copilot"
    ),
}

_INDEX = {name: family for family, names in _FAMILIES.items() for name in names.split()}
_LOADED: dict[str, Program] = {}


def lookup(name: str) -> Program | None:
    """The program of that name, or None when no table knows it."""
    program = _LOADED.get(name)
    if program is None and (family := _INDEX.get(name)) is not None:
        rows: dict[str, Program] = import_module(f"{__name__}.{family}").ROWS
        _LOADED.update(rows)
        program = rows.get(name)
    return program


def names() -> dict[str, str]:
    """Every program that a table knows, with its family."""
    return _INDEX.copy()
