"""Command lines to compare our parser with bash: real-life ones, and a generator of odd ones."""

from __future__ import annotations

import random

REAL = r"""
git status
git status --short --branch
git log --oneline -n 20
git log --pretty=format:'%h %an %s' --since="2 weeks ago" | head -50
git diff HEAD~1 -- src/main.py
git diff --stat origin/main...HEAD
git show HEAD:src/app.py | sed -n '10,40p'
git add -A && git commit -m "Fix the parser's handling of quotes"
git commit -m 'feat: add $HOME to the docs' --no-verify
git checkout -b feature/new-thing
git stash push -m "wip" && git pull --rebase && git stash pop
git rebase -i HEAD~3
git push origin HEAD:refs/heads/topic
git push --force-with-lease origin +topic
git branch --list 'release/*' --format='%(refname:short)'
git stash show -p stash@{0}
git rev-parse HEAD@{upstream}
git config --get user.name
git for-each-ref --format='%(refname)' refs/heads | xargs -n1 echo
git ls-files -z | xargs -0 grep -n "TODO"
git grep -n -E 'foo|bar' -- '*.py' ':!tests'
git clean -fdx -e .venv
git worktree add ../wt-1 -b wt-1 main
git log -1 --format=%cd --date=iso
git reset --hard HEAD^
git tag -a v1.2.3 -m "Version 1.2.3"
git diff --name-only --diff-filter=AM | grep '\.py$' | xargs ruff check
git -c core.pager=cat diff
git blame -L 10,+5 src/x.c
git cherry-pick abc123^..def456
ls
ls -la
ls -la src/ tests/
ls *.py
ls -d */
ls {src,tests}/**/*.py
ls ~/projects
ls "$HOME/my files"
cat README.md
cat file1 file2 > combined
cat < input.txt | sort -u > output.txt
cat /etc/os-release 2>/dev/null || echo unknown
head -n 20 src/main.rs
tail -f /var/log/syslog | grep --line-buffered error
sed -n '1,120p' src/index.ts
sed -i 's/foo/bar/g' file.txt
sed -i.bak -e 's#/usr/local#/opt#' -e '/^$/d' conf.ini
sed -E 's/([0-9]+)-([0-9]+)/\2-\1/' data.csv
sed "s/VERSION/$VERSION/" template > out
awk '{print $1}' file
awk -F: '$3 >= 1000 { print $1, $3 }' /etc/passwd
awk 'BEGIN { FS="," } { sum += $2 } END { print sum/NR }' data.csv
grep -rn "def main" --include='*.py' .
grep -E '^(foo|bar)\b' file | wc -l
grep -v '^#' /etc/hosts | awk '{print $2}' | sort | uniq -c | sort -rn | head
grep -o "https\?://[^\"']*" page.html
rg -n "TODO|FIXME" src -g '!*.min.js'
rg --files | rg '\.tsx?$'
find . -name '*.pyc' -delete
find . -type f -name "*.log" -mtime +7 -exec rm {} \;
find . -type d -name node_modules -prune -o -type f -print
find src -name '*.ts' -exec grep -l 'foo' {} +
find . \( -name '*.c' -o -name '*.h' \) -print0 | xargs -0 wc -l
find /tmp -maxdepth 1 -newer ref ! -name 'keep*'
fd -e py -x python -m py_compile {}
mkdir -p build/{debug,release}/obj
mkdir -p src/{api,models,utils}/tests && touch src/{api,models}/__init__.py
cp -r src/ backup/
cp file{,.bak}
mv old_name.py new_name.py
mv *.{jpg,png} images/
rm -rf build dist *.egg-info
rm -f -- "-weird-file"
rm -rf "${BUILD_DIR:?}/"*
ln -sf ../config/app.yml app.yml
chmod +x scripts/*.sh
chmod -R u+rwX,go-w .
chown -R "$USER":"$(id -gn)" .
touch a b c
tar -czf backup.tar.gz --exclude='*.log' src
tar xzf archive.tar.gz -C /tmp/out --strip-components=1
unzip -q archive.zip -d out
zip -r out.zip . -x '*.git*'
du -sh * | sort -h
df -h | awk 'NR>1 {print $5, $6}'
ps aux | grep [p]ython
ps -ef | awk '/node/ && !/awk/ {print $2}' | xargs kill -9
kill -9 $(lsof -t -i:8080)
kill %1
lsof -i :3000
netstat -tlnp 2>/dev/null | grep LISTEN
top -b -n 1 | head -20
free -m
uname -a
whoami && id
which python3 || command -v python
type -a ls
env | sort
env FOO=bar BAZ="q x" make test
export PATH="$HOME/.local/bin:$PATH"
export FOO=bar BAZ
export A=1; echo "$A"
unset FOO
PYTHONPATH=src python -m pytest tests/ -x -q
PYTHONDONTWRITEBYTECODE=1 pytest -k "not slow and (a or b)" --maxfail=1
CI=true npm test -- --watch=false
NODE_ENV=production node server.js &
FOO=1 BAR=$((2+3)) ./run.sh
python -c 'print("hello")'
python -c "import sys; print(sys.version)"
python3 -c "import json,sys; d=json.load(sys.stdin); print(d['name'])" < package.json
python - <<< 'print(1)'
python -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt
source .venv/bin/activate
pip install -e '.[dev]'
pip install "requests>=2.0,<3" 'flask~=2.0'
pip list --outdated --format=json | jq -r '.[].name'
pip freeze > requirements.txt
uv run pytest -q
uv pip install -r <(grep -v torch requirements.txt)
poetry run python manage.py migrate
ruff check --fix . && ruff format .
mypy --strict src
black --check --diff .
pytest tests/test_a.py::TestX::test_y[param-1]
pytest "tests/test_a.py::test_z[a b]" -vv
python -m pytest --cov=src --cov-report=term-missing 2>&1 | tail -20
coverage run -m pytest; coverage report -m
tox -e py311,lint
npm install
npm ci --no-audit --no-fund
npm run build -- --mode=production
npm run lint && npm test
npm ls --depth=0 2>/dev/null
npx tsc --noEmit
npx --yes create-react-app my-app
npx eslint 'src/**/*.{ts,tsx}' --fix
npx prettier --check "src/**/*.{js,jsx}"
yarn add -D typescript@^5.0.0
yarn workspaces foreach -A run build
pnpm -r --filter ./packages/* run test
pnpm dlx serve dist
bun test
node -e 'console.log(process.version)'
node -p "require('./package.json').version"
node --test test/*.test.js
deno run --allow-net main.ts
tsc -p tsconfig.json --watch
cargo build --release
cargo test -- --nocapture
cargo clippy --all-targets --all-features -- -D warnings
cargo run --bin app -- --config a=b
RUST_BACKTRACE=1 cargo test my_test
RUSTFLAGS="-C target-cpu=native" cargo build
go test ./...
go test -run 'TestFoo/sub_test' -v ./pkg/...
go build -ldflags "-X main.version=$(git describe --tags)" -o bin/app ./cmd/app
go vet ./... && golangci-lint run
go mod tidy
CGO_ENABLED=0 GOOS=linux go build -a -o app .
make
make -j$(nproc)
make test V=1 CFLAGS='-O2 -g'
make -C build install DESTDIR=/tmp/x
cmake -S . -B build -DCMAKE_BUILD_TYPE=Release
cmake --build build -j 4 --target all
gcc -Wall -o hello hello.c && ./hello
g++ -std=c++20 -I include src/*.cpp -o app -lpthread
mvn -q -DskipTests package
./gradlew clean build -x test
bundle exec rspec spec/models/user_spec.rb:42
rails db:migrate RAILS_ENV=test
dotnet test --filter "FullyQualifiedName~Foo"
php -r 'echo PHP_VERSION;'
composer install --no-dev
docker ps -a --format '{{.Names}}: {{.Status}}'
docker ps -a --format {{.Names}}
docker run --rm -it -v "$(pwd)":/app -w /app node:20 npm test
docker run -d --name db -e POSTGRES_PASSWORD=secret -p 5432:5432 postgres:16
docker build -t app:latest --build-arg VERSION=1.0 .
docker exec -it db psql -U postgres -c 'SELECT 1;'
docker compose up -d --build && docker compose logs -f
docker rmi $(docker images -q -f dangling=true)
docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' web
kubectl get pods -n kube-system -o wide
kubectl get pods -o jsonpath='{.items[*].metadata.name}'
kubectl exec -it pod/web-0 -- /bin/sh -c 'ls /'
kubectl apply -f - < deploy.yaml
helm upgrade --install app ./chart --set image.tag=1.2,replicas=2
terraform plan -out=tf.plan -var "region=us-east-1"
aws s3 sync ./dist s3://bucket/path --delete --exclude "*.map"
gcloud compute instances list --filter="zone:us-*"
curl -s https://example.com
curl -fsSL https://example.com/install.sh | sh
curl -X POST -H "Content-Type: application/json" -d '{"a": 1, "b": [2,3]}' http://localhost:8000/api
curl -s "https://api.example.com/v1/items?page=2&limit=10" | jq '.items[] | {id, name}'
curl -o /dev/null -s -w '%{http_code}\n' http://localhost
curl -u user:"$TOKEN" -T file.txt ftp://host/
wget -q -O - http://example.com | tar xz
ssh user@host 'cd /srv/app && git pull'
ssh -i ~/.ssh/id_rsa -p 2222 host.example.com uptime
scp file user@host:/tmp/
rsync -avz --delete -e "ssh -p 22" src/ host:dest/
ping -c 3 8.8.8.8
dig +short example.com
nc -zv localhost 5432
openssl rand -hex 32
openssl req -x509 -newkey rsa:4096 -keyout key.pem -out cert.pem -days 365 -nodes -subj '/CN=localhost'
ssh-keygen -t ed25519 -C "me@example.com" -f ~/.ssh/id_new -N ''
base64 -d <<< aGVsbG8= | xxd
echo hello
echo "hello world"
echo 'single $quoted'
echo -e "a\tb\n"
echo "a" > file.txt
echo "b" >> file.txt
echo "Line with \"escaped\" quotes and \$dollar"
echo "It's 5 o'clock"
echo it\'s
echo "$(date +%Y-%m-%d)"
echo "Today: `date`"
echo "$((1 + 2 * 3))"
echo $((16#ff)) $((2**10))
echo ${var:-default} ${var:=x} ${var:+y} ${var:?msg}
echo "${array[@]}" "${#array[@]}" "${!array[@]}"
echo ${name%.*} ${name##*/} ${name#*.} ${name%%.*}
echo ${name/foo/bar} ${name//foo/bar} ${name/#foo/bar} ${name/%foo/bar}
echo ${name:1:3} ${name: -2} ${name^^} ${name,,} ${name^} ${name,}
echo "$1" "$@" "$*" $# $? $$ $! $- $0 ${10}
echo {1..5} {a..e} {01..10} {1..10..2} {z..a}
echo {a,b{c,d},e}f
echo a{b}c {} {a} {,} {a,} x{,y}z
echo !$ !! foo!bar
echo # a comment
echo a#b
echo "# no comment" # comment
echo $'a\nb\x41\101\u00e9'
echo $"localised"
echo ~ ~root ~/x a~b a=~ PATH=~/x:~/y
echo * ? [abc] [!a]* a[ a] [ ]
echo \* \? \[abc\] "*"
echo > /dev/null
echo hi >&2
echo hi 1>&2 2>/dev/null
echo hi &> all.log
echo hi &>> all.log
echo hi >| forced
echo hi 2>&1 | tee log.txt
echo a; echo b
echo a;echo b;
echo a & echo b
echo a && echo b || echo c
! grep -q foo file
! true && echo x
true || false
true; false
printf '%s\n' "${files[@]}"
printf "%-10s|%5d\n" foo 42
test -f file && echo yes
[ -f file ] && echo yes || echo no
[ "$a" = "b" ]
[ -z "$x" -o -n "$y" ]
[[ -f file ]] && echo yes
[[ $a == b* && $c != "d" ]]
[[ $x =~ ^[0-9]+$ ]]
[[ "$x" =~ ^v([0-9]+)\.([0-9]+)(-rc[0-9]+)?$ ]] && echo "${BASH_REMATCH[1]}"
[[ -n $a || ( -d $b && ! -e $c ) ]]
[[ $a -lt 5 ]]
[[ a < b ]]
[[ $x == @(a|b) ]]
(( i++ ))
(( a > b ? c : d )) && echo x
((x = 5 * (3 + 2)))
let i=i+1
let "x = 5"
x=1
x=1 y=2
x=$(ls | wc -l)
x="$(cat file)"; echo "$x"
x=`pwd`
x+=more
x=
arr=(a b c)
arr=("a b" 'c d' $e)
arr+=(d)
arr[0]=x
arr[$i]="y"
arr[i+1]=z
declare -A map
declare -A map=([a]=1 [b]="2 3")
declare -r X=5
local x=1
readonly FOO="bar baz"
typeset -i n=0
export -f myfunc
read -r line < file
read -p "Name: " name
while read -r line; do echo "$line"; done < file
while IFS= read -r f; do echo "$f"; done < <(find . -name '*.py')
while true; do sleep 1; done
while [ $i -lt 10 ]; do i=$((i+1)); done
until curl -sf localhost:8080; do sleep 1; done
for i in 1 2 3; do echo $i; done
for i in {1..10}; do echo "$i"; done
for f in *.txt; do mv "$f" "${f%.txt}.md"; done
for f in $(git ls-files); do wc -l "$f"; done
for ((i=0; i<10; i++)); do echo $i; done
for ((;;)); do break; done
for x; do echo $x; done
for x in "$@"; do echo "$x"; done | sort
for d in */; do (cd "$d" && git pull); done
if [ -f x ]; then echo y; fi
if test -d .git; then git status; else echo no; fi
if [[ $1 == a ]]; then echo a; elif [[ $1 == b ]]; then echo b; else echo c; fi
if ! command -v jq >/dev/null 2>&1; then echo "need jq"; exit 1; fi
if grep -q foo file; then echo found; fi > out.txt
case "$1" in start) echo s;; stop|halt) echo t;; *) echo u;; esac
case $x in (a) echo 1 ;; [0-9]*) echo 2 ;& "q r") echo 3 ;;& esac
case $(uname) in Linux) echo l;; Darwin) echo d; esac
select opt in a b c; do echo $opt; break; done
f() { echo "$1"; }
f() { local x=$1; return $((x+1)); }; f 3
function g { ls; }
function h() { ls; } > out
f () ( cd /tmp; ls )
(cd src && ls)
(cd a; (cd b; ls)) | sort
( ls )
{ ls; pwd; }
{ echo a; echo b; } > out.txt 2>&1
{ ls; } | { cat; }
time ls
time -p make -j4
time (ls; pwd)
ls | time wc
nohup ./server > server.log 2>&1 &
timeout 30 npm test
nice -n 10 make
sudo apt-get update && sudo apt-get install -y curl
sudo -u postgres psql -c "CREATE DATABASE x;"
sudo sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
sudo systemctl restart nginx
crontab -l | { cat; echo "0 * * * * job"; } | crontab -
xargs -I{} cp {} {}.bak < list.txt
xargs -n 2 -P 4 sh -c 'echo "$0" "$1"' < args
tee -a file <<< "$text"
cat <<< "a $b"
diff <(sort a) <(sort b)
comm -23 <(ls a | sort) <(ls b | sort)
tee >(gzip > a.gz) >(md5sum) < file > /dev/null
paste -d, <(cut -f1 a) <(cut -f2 b)
exec 3<> /dev/tcp/localhost/80
exec 3>&-
exec > >(tee log) 2>&1
exec {fd}> out.txt
ls 3>&1 1>&2 2>&3 3>&-
ls nonexist 2> err.txt 1> out.txt
>file
> file ls
2>err ls
ls>out
ls >out 2>err -la
cat<in>out
sort -t$'\t' -k2,2n data.tsv
cut -d' ' -f1,3
cut -d "," -f 2- < x.csv
tr -d '\r' < dos.txt > unix.txt
tr '[:upper:]' '[:lower:]'
tr -s ' ' '\n'
jq '.a.b[0]' file.json
jq -r '.dependencies | to_entries[] | "\(.key)@\(.value)"' package.json
jq --arg v "$VERSION" '.version = $v' package.json > tmp && mv tmp package.json
yq '.services.*.image' docker-compose.yml
sqlite3 db.sqlite 'SELECT * FROM users LIMIT 5;'
psql -h localhost -U me -d mydb -c "SELECT count(*) FROM t WHERE a = 'b';"
mysql -u root -p"$PW" -e 'SHOW TABLES'
redis-cli --scan --pattern 'user:*' | head
watch -n 1 'ls -l | wc -l'
date -d "yesterday" +%s
date +"%Y-%m-%d %H:%M:%S"
sleep 5 && echo done
wait
wait $pid
exit 0
return 1
cd -
cd "$(dirname "$0")"
cd "$(git rev-parse --show-toplevel)" && pwd
pushd /tmp > /dev/null; ls; popd
set -euo pipefail
set -x; ls; set +x
shopt -s globstar
trap 'rm -f "$tmp"' EXIT
trap "echo int; exit" INT TERM
alias ll='ls -la'
eval "$(ssh-agent -s)"
eval 'echo $x'
bash -c 'echo "$0 $1"' a b
bash -lc "cd /x && ls"
sh -c "for i in 1 2; do echo \$i; done"
. ./env.sh
: ${FOO:=bar}
: > file
: "${X:?must be set}"
true && { echo a; echo b; } || exit 1
gh pr create --title "Fix bug" --body "Closes #123"
gh api repos/{owner}/{repo}/issues --jq '.[].title'
gh pr list --json number,title -q '.[] | select(.title | test("fix"))'
code --diff a.txt b.txt
open http://localhost:3000
xdg-open index.html
vim +10 file.txt
man 3 printf | col -b
history | tail -20
ffmpeg -i in.mp4 -vf "scale=640:-1" -c:a copy out.mp4
convert in.png -resize 50% out.png
protoc --go_out=. --go_opt=paths=source_relative api/*.proto
ansible-playbook -i hosts site.yml --limit 'web:&prod'
perl -pi -e 's/foo/bar/g' *.txt
perl -ne 'print if /^a/ .. /^b/' file
ruby -e 'puts [1,2,3].map { |x| x * 2 }'
lua -e 'print(1)'
javac -d out src/*.java && java -cp out Main
latexmk -pdf main.tex
seq 1 10 | paste -sd+ | bc
yes | head -n 3
echo "a,b" | tr , '\n'
echo -n "x" | sha256sum | cut -d' ' -f1
echo "$x" | sed 's/^/  /'
ls -1 | while read f; do echo "${f}"; done
ls | grep -c .
test "$(id -u)" -eq 0 || { echo root; exit 1; }
[ "${1:-}" = "--help" ] && usage
[[ "${1-}" =~ ^-*h(elp)?$ ]] && exit
foo="bar" ; echo "${foo^^}"
echo "${foo:0:1}" "${#foo}" "${foo//[^a-z]/_}"
echo "${x:-$(echo "nested ${y:-"deep"}")}"
echo "$(echo "$(echo "$(echo deep)")")"
echo `echo \`echo nested\``
echo "`echo "quoted inside"`"
a=$(( $(wc -l < f) + 1 ))
a[1]=2 b[x]+=3 ls
echo "${a[$((i+1))]}" ${a[*]} ${a[-1]}
echo ${!prefix*} ${!prefix@} ${x@Q} ${x@U}
echo $[1+2]
echo -- "$@"
echo a\ b "c"'d'e\"f
echo ""''
echo "a
b"
ls | cat -A | head -1 |& tee x
cmd1 |& cmd2
echo ${x}y ${x}-${y} "$x$y" $x$y
echo "${x}" '${x}' \${x}
echo 100% a%b a@b a:b a,b a+b a/b a^b a=b -a=b --a=b
echo a=b=c ==x =x x=
cat file | grep -v "^$" | sed 's/[[:space:]]*$//' | awk 'NF' > clean.txt
for f in a b; do if [ -e $f ]; then continue; else break; fi; done
while :; do case $x in a) break;; esac; done
if (( $# == 0 )); then set -- a b; fi
if [ $# -gt 1 ] && [ "$2" != "" ]; then shift 2; fi
[ ! -e x ] && mkdir x
test ! -d y
echo "price: \$5 100% `echo x`"
echo $HOME/.config $USER@$HOSTNAME "$PWD"/x
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT && cd "$tmp"
DIR="$( cd "$( dirname "${BASH_SOURCE[0]}" )" && pwd )"
VAR=${VAR:-default} cmd --flag="$VAR" --other=${X}
npm run test:unit -- -t "renders a <Button />"
grep -n '<<<<<<<\|>>>>>>>' -r .
echo 'multi
line' | wc -l
cat package.json | python3 -m json.tool
kill -0 $! 2>/dev/null && wait $!
nl -ba file | sed -n '5,10p'
stat -c '%a %n' *
column -t -s $'\t' f
printf '%q ' "$@"; echo
command ls -la
builtin cd /
\ls
"ls" -la
'git' "status"
/usr/bin/env python3 x.py
./script.sh --arg
../bin/tool
~/bin/tool
$CMD arg
"$EDITOR" file
${CC:-gcc} -c x.c
$(which python) -V
x=5 y=$x; echo $((x*y))
echo \\ \" \' \$ \` \; \& \| \< \> \( \) \{ \} \~ \#
f(){ echo hi;};f
f(){ :;};f
if true;then echo a;fi;if false;then echo b;fi
for i in a;do echo $i;done;ls
{ { ls; }; }
( (ls) )
(ls);(pwd)
echo (1)
ls )
echo "unterminated
echo 'unterminated
if true; then
for
fi
echo $(
echo ${
echo $((
ls ||
ls |
| ls
&& ls
;
;;
ls ;; pwd
ls & ; pwd
{ ls
( ls
} ls
do ls
ls <
case x in
f() ls
a=(1 2
[[ a
[[ a == ]]
[[ -f ]]
((1+2)
for 1a in x; do ls; done
while do ls; done
if ; then ls; fi
{ }
( )
time
""
''
$x
$(ls)
`ls`
<(ls)
ls<(x)
2>(x) ls
2<(x)
""a
~+/x ~-/y ~1 "~" '~'x
echo a{1..3}b{x,y} {a..c}{1,2} "{a,b}" '{a,b}' \{a,b} {a\,b} {a,b\} "a"{b,c}"d" ${x}{a,b} {$x,y} {"a,b",c}
echo {a..1} {1..} {..} {,,} {{a,b},c} {{a},{b}} {a}{b,c} {a},b} a{b,c {a,b}{ }{a,b} {}{a,b} {{a,b} ${x:-{a,b}}
echo {1..3..0} {3..1} {-2..2} {1..10..3} {10..1..-4} {a..i..3} {001..3} {-01..2} {1..2}{a,b}
""".strip("\n")

TEXTS = [
    "! ",
    "ls > ",
    "cat <<EOF\nhello $x\nEOF\n",
    "cat <<EOF\nhello $x\nEOF",
    "cat <<'EOF' > file.py\nprint('$x `y`')\nif a:\n\tpass\nEOF\nls",
    "cat <<-EOF\n\tindented\n\t\tmore\n\tEOF\nls",
    "cat <<\\EOF\n$x\nEOF\n",
    'cat <<"EOF"\n$x $(\nEOF\n',
    "cat <<A <<B\na\nA\nb\nB\n",
    "cat <<A; cat <<'B' | sort\na\nA\nb\nB\nls",
    "git commit -m \"$(cat <<'EOF'\nFix it: don't (ever) break\n\nMore `text` and $x.\nEOF\n)\"",
    "if true; then cat <<EOF\nx\nEOF\nfi",
    "while read l; do echo $l; done <<EOF\na\nb\nEOF\n",
    "python3 - <<'PY'\nimport os\nprint(os.getcwd())\nPY\n",
    "cat <<EOF && ls\n$(echo `date`) ${x:-y} $((1+2)) \\$z \\` \\\\ \"q\" 'r'\nEOF\n",
    "cat <<EOF\na \\\nb\nEOF\n",
    "cat <<EOF\nEO\\\nF\nls",
    "(cat <<EOF\nx\nEOF\n)",
    "f() {\n  cat <<EOF\nx\nEOF\n}\nf",
    "ls \\\n  -l \\\n  -a\n",
    'docker run \\\n  --rm \\\n  -v "$PWD":/app \\\n  img && echo \\\n done',
    "l\\\ns -l\\\na",
    'echo "$\\\n(ls)" $\\\n{x} "${x\\\n}" a\\\n b',
    "ls &\\\n& pwd |\\\n| echo x;\\\nls",
    "ls &&\npwd ||\n\n  echo x |\nwc\n",
    "# comment\nls # c\n\n# d \\\npwd\n",
    "\n\n\n",
    "",
    "   ",
    "\t",
    "# only",
    "ls\n",
    "ls;\n\n pwd\n",
    "if a\nthen\nb\nelif c\nthen d\nelse\ne\nfi\n",
    "for x in a b\ndo\n  echo $x\ndone",
    "for x\nin a\ndo echo; done",
    "for x\ndo echo; done",
    "case x in\n  a | b)\n    ls\n    ;;\n  (c) pwd ;;\n  *)\nesac\n",
    "case x\nin\na) ;;\nesac",
    "x=(\n a # first\n 'b c'\n\n d)\n",
    "f()\n{\n  ls\n}\n",
    "function f\n{\nls\n}",
    "[[ a\n&& b ]]",
    "[[ a &&\n b ]]",
    "[[\na ]]",
    "[[ a ==\nb ]]",
    "((\n1 +\n2 ))",
    "echo $((1 +\n2))",
    "echo \"a\nb\" 'c\nd'",
    "echo `ls\npwd`",
    "echo $(ls\npwd\n)",
    "echo $(\n# comment with ' quote\nls)",
    "echo $(case x in a) ls;; esac)",
    "echo $(case x in (a) ls;; esac)",
    "a\r\nb",
    "ls\r",
    "ls\x0b-l",
    "ls\u00a0-l",
    "echo caf\u00e9 \u200b",
    "echo a\\\n#b",
    "echo a \\\n#b",
    "echo \\\n\n",
    "echo a\\",
    "ls |& \n wc",
    "a=b\\\nc ls",
    "a\\\n=b",
    "if\\\n true; the\\\nn ls; fi",
    "cat <<EOF\nno end",
    "cat <<EOF",
    "cat <<",
    "cat <<EOF; echo $(ls\n)\nx\nEOF\n",
    "$(cat <<EOF)\nx\nEOF\n",
    "echo $(cat <<EOF\nx\nEOF)",
    "cat <<E\\\nOF\nx\nEOF\n",
    "cat << 'E F'\nx\nE F\n",
    "cat <<$x\na\n$x\n",
    'cat <<E"O"F\n$(\nEOF\n',
    "! ! ls",
    "ls \\\n",
    "{ ls\n}\n",
    "(\nls\n)\n",
    "{\n\n}",
    "until a; do b; done &",
    "a & b & c",
    "a &\nb",
    "a;\n;b",
    "while a; do b\ndone | c",
    "echo '\\'' x'",
    "echo $'\\'' x",
    "echo $'a\\\nb'",
    "echo 'a\\\nb'",
    'echo "a\\\\\nb"',
    "coproc ls",
    "echo +(a) @(b|c)",
    "ls ?(a)",
    "a() { b; }; c() (d)",
    "echo a >b c >d e <f",
    "a=1 >x b=2 c",
    ">x a=1 b",
]

COMMANDS = [*REAL.split("\n"), *TEXTS]


class Generator:
    """Makes command lines out of a grammar, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.budget = 0

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def command_line(self) -> str:
        """One command line; about one in six is broken by a change of one character."""
        self.budget = self.random.randint(1, 14)
        text = self.list_of()
        if self.random.random() < 0.17:
            at = self.random.randrange(len(text) + 1)
            text = (
                text[:at]
                + self.pick(*"'\"`$(){}[];&|<>\\\n #=*~!,", "", "\\\n", "<<E", "$(", "${", "((")
                + text[at + self.random.randint(0, 1) :]
            )
        return text

    def spend(self) -> bool:
        self.budget -= 1
        return self.budget > 0

    def list_of(self) -> str:
        text = self.pipeline()
        while self.spend() and self.random.random() < 0.4:
            text += self.pick("; ", " && ", " || ", " & ", ";", "&&", "\n", " \\\n&& ") + self.pipeline()
        return text

    def pipeline(self) -> str:
        text = self.pick("", "", "", "", "", "! ", "time ") + self.command()
        while self.spend() and self.random.random() < 0.25:
            text += self.pick(" | ", "|", " |& ", " |\n") + self.command()
        return text

    def command(self) -> str:
        if not self.spend() or self.random.random() < 0.7:
            return self.simple()
        body = self.list_of()
        end = self.pick("; ", "\n")
        text = self.random.choice(
            [
                lambda: f"( {body} )",
                lambda: f"({body})",
                lambda: f"{{ {body}{end}}}",
                lambda: f"if {self.simple()}; then {body}{end}else {self.simple()}{end}fi",
                lambda: f"while {self.simple()}; do {body}{end}done",
                lambda: f"for v in {self.word()} {self.word()}; do {body}{end}done",
                lambda: f"for ((i=0;i<{self.number()};i++)); do {body}{end}done",
                lambda: f"case {self.word()} in a|{self.pattern()}) {body};; *) {self.simple()};; esac",
                lambda: f"f() {{ {body}{end}}}",
                lambda: f"[[ {self.condition()} ]]",
                lambda: f"(( {self.arithmetic()} ))",
            ]
        )()
        return text + (" " + self.redirect() if self.random.random() < 0.2 else "")

    def simple(self) -> str:
        words = [self.pick("ls", "echo", "git", "rm", "x", "/bin/cat", "'l's", "e\\cho", "[")]
        if self.random.random() < 0.2:
            words.insert(0, self.pick("A=1", "B=$x", 'C="a b"', "D=(1 2)", "E+=x", "F[1]=2", "G=~/x", "H={a,b}"))
        words += [
            self.redirect() if self.random.random() < 0.15 else self.word() for _ in range(self.random.randint(0, 4))
        ]
        return self.pick(" ", " ", " ", "  ", "\t", " \\\n ").join(words)

    def redirect(self) -> str:
        operator = self.pick(">", ">>", "<", "2>", ">&", "&>", "<<<", ">|", "<>", "{fd}>", "2>&")
        return operator + self.pick("", " ") + self.pick("1", "2", "/dev/null", "f", '"g h"', "$x")

    def word(self) -> str:
        return "".join(self.piece() for _ in range(self.random.choice([1, 1, 1, 2, 2, 3])))

    def piece(self) -> str:
        if self.spend() and self.random.random() < 0.35:
            return self.expansion(False)
        return self.literal()

    def literal(self) -> str:
        """A piece without substitutions or parameters."""
        return self.random.choice(
            [
                lambda: self.pick(
                    "a",
                    "-x",
                    "--long=v",
                    "src/a.py",
                    "1",
                    "=",
                    "a=b",
                    ":",
                    "%",
                    "@",
                    "^",
                    "#",
                    ",",
                    "..",
                    "]",
                    "!",
                    "+",
                ),
                lambda: self.pick("a", "b", "foo", "bar.txt", "-v"),
                lambda: "'" + self.pick("a b", "$x", '"', "", "{a,b}", "*", "\\", ";|&", "~", "#") + "'",
                lambda: (
                    '"'
                    + self.pick("a b", "it's", "\\$x", '\\"', "\\\\", "\\a", "", "{a,b}", "*", "$", "a\\\nb", "#")
                    + '"'
                ),
                lambda: (
                    "$'"
                    + self.pick("a\\nb", "\\x41", "\\'", "\\101\\t", "a b", "\\e[0m", "\\q", "\\u00e9", "\\xc3\\xa9")
                    + "'"
                ),
                lambda: "\\" + self.pick("a", " ", "$", "'", '"', "*", "{", ",", "}", "\\", ";", "#", "~"),
                self.brace,
            ]
        )()

    def brace(self) -> str:
        inner = lambda: self.pick("a", "b", "", "'c d'", '"e"', "\\,", "1", "x,y", "{p,q}", "{r}", "..", "{}")  # noqa: E731
        return self.random.choice(
            [
                lambda: "{" + inner() + "," + inner() + "}",
                lambda: "{" + inner() + "}",
                lambda: "{" + inner() + "," + inner() + "," + inner() + "}" + self.pick("", "z", "}", "{"),
                lambda: (
                    "{" + self.pick("1..3", "a..c", "3..1", "01..3", "1..9..4", "a..1", "1..", "-1..1", "c..a..2") + "}"
                ),
                lambda: self.pick("{", "}", "{}", "{a", "a}", "{{", "}}", "{,", ",}"),
            ]
        )()

    def expansion(self, quoted: bool) -> str:
        return self.random.choice(
            [
                lambda: self.pick(
                    "$x", "${x}", "$1", "$@", "$?", "$#", "${10}", "${#x}", "${!x}", "${a[0]}", "${a[@]}", "${#a[@]}"
                ),
                lambda: (
                    "${x"
                    + self.pick(":-", "-", ":=", "+", "?", "#", "##", "%", "/", "//", "^^", ":")
                    + self.operand()
                    + "}"
                ),
                lambda: f"$({self.list_of()})",
                lambda: f"`{self.pick('ls', 'echo a', 'cat f | wc')}`",
                lambda: f"$(({self.arithmetic()}))",
                lambda: self.pick("~", "*", "?.py", "[a-z]*") if quoted else f"<({self.list_of()})",
                lambda: (
                    '"' + self.pick("a ", "") + self.expansion(True) + self.pick("", " b") + '"' if not quoted else "$y"
                ),
            ]
        )()

    def operand(self) -> str:
        return self.pick("a", "a b", "", '"q r"', "$y", "*.x", "\\}", "a/b", "1:2", "(z)")

    def arithmetic(self) -> str:
        return self.pick(
            "1+2", "x", "$x*3", "x++", "(1+2)*3", "a[1]", "x ? 1 : 2", "1 << 2", "x==1", "${#y}", "$(echo 1)+2"
        )

    def number(self) -> str:
        return self.pick("1", "10", "n", "$n")

    def pattern(self) -> str:
        return self.pick("b", "*.c", "[0-9]", '"d e"', "$x", "f\\ g")

    def condition(self) -> str:
        return self.pick(
            "-f a",
            "a == b*",
            "$x =~ ^a(b|c)$",
            "! -e x",
            "-n $x && a != b",
            "( a = b )",
            "1 -lt 2",
            "a < b",
            "$x",
            '"a b" == $y',
            "-z ''",
        )

    def literal_words(self) -> list[str]:
        """Words without substitutions, for bash to print."""
        self.budget = 0
        return [
            "".join(self.literal() for _ in range(self.random.randint(1, 4))) for _ in range(self.random.randint(1, 3))
        ]
