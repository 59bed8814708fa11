"""Names of technologies, which a model trained on newspapers takes for people, places and companies.

Written by hand from general knowledge. Names whose letters make an ordinary word count only in this exact case, and the
most ordinary ones only where the passage speaks of computing.
"""

from __future__ import annotations

import re

_DISTINCT = """
Python;JavaScript;TypeScript;PostgreSQL;Postgres;MySQL;MariaDB;SQLite;MongoDB;Redis;Valkey;Memcached;Cassandra;
CouchDB;DynamoDB;Elasticsearch;OpenSearch;Solr;Neo4j;InfluxDB;TimescaleDB;ClickHouse;DuckDB;Snowflake Data Cloud;
BigQuery;Redshift;CockroachDB;SQL Server;Microsoft SQL Server;Oracle Database;pgvector;Pinecone;Weaviate;Qdrant;
Milvus;ChromaDB;FAISS;C++;C#;F#;Objective-C;Golang;Kotlin;Scala;Haskell;Erlang;Elixir;Clojure;OCaml;Fortran;COBOL;
MATLAB;Perl;PHP;Lua;Rust lang;Visual Basic;VBScript;PowerShell;Bash;Zsh;SQL;NoSQL;GraphQL;HTML;HTML5;CSS;CSS3;XML;
YAML;TOML;JSON;gRPC;Protobuf;WebSocket;WebAssembly;Node.js;NodeJS;Deno;jQuery;React.js;ReactJS;React Native;Vue.js;
VueJS;AngularJS;Next.js;Nuxt.js;Svelte;SvelteKit;Ember.js;Express.js;Django;Django REST framework;FastAPI;
Ruby on Rails;Laravel;Symfony;Spring Boot;ASP.NET;.NET;.NET Core;Celery Beat;RabbitMQ;Kafka;Apache Kafka;
Apache Spark;PySpark;Apache Flink;Apache Airflow;Apache Hadoop;Hadoop;Apache Beam;Apache Hive;ZooKeeper;ActiveMQ;
ZeroMQ;NATS JetStream;MQTT;AMQP;Docker;Docker Compose;Kubernetes;K8s;Podman;OpenShift;Terraform;Ansible;Pulumi;
Jenkins;GitHub Actions;GitLab CI;CircleCI;Travis CI;Argo CD;Prometheus server;Grafana;Kibana;Logstash;Datadog;
OpenTelemetry;Nginx;HAProxy;Traefik;Caddy Server;Apache HTTP Server;Tomcat;Gunicorn;Uvicorn;uWSGI;AWS;
Amazon Web Services;Amazon S3;Amazon EC2;AWS Lambda;Azure;Microsoft Azure;Google Cloud;Google Cloud Platform;GCP;
Heroku;Vercel;Netlify;Cloudflare Workers;DigitalOcean;Firebase;Supabase;OpenStack;VMware;VirtualBox;Proxmox;Linux;
Ubuntu;Debian;Fedora Linux;CentOS;Arch Linux;Red Hat Enterprise Linux;FreeBSD;OpenBSD;macOS;iOS;iPadOS;Android;
Windows 10;Windows 11;Windows NT;Unix;Raspberry Pi;Arduino;NumPy;SciPy;scikit-learn;PyTorch;TensorFlow;Keras;
XGBoost;LightGBM;spaCy;NLTK;Hugging Face Transformers;LangChain;LlamaIndex;OpenCV;Matplotlib;Jupyter;
Jupyter Notebook;Plotly;Streamlit;Gradio;CUDA;cuDNN;ONNX;Ollama;llama.cpp;vLLM;ChatGPT;GPT-2;GPT-3;GPT-3.5;GPT-4;
GPT-4o;GPT-5;BERT;RoBERTa;DALL-E;Stable Diffusion;Midjourney;GitHub Copilot;AlphaGo;AlphaFold;Word2vec;word2vec;
GloVe;FastText;LaTeX;Git;GitHub;GitLab;Bitbucket;Subversion;Webpack;Vite;Babel.js;ESLint;npm;pnpm;PyPI;pytest;JUnit;
Cypress.io;Playwright;Puppeteer;Selenium WebDriver;Postman;Swagger;OpenAPI;OAuth;OAuth2;SAML;OpenID Connect;LDAP;
Kerberos;TLS;SSH;HTTPS;TCP/IP;DNS;IPv6;Bluetooth;Wi-Fi;USB-C;Visual Studio Code;VS Code;VSCode;IntelliJ;
IntelliJ IDEA;PyCharm;Neovim;Emacs;Eclipse IDE;Xcode;Android Studio;Jira;Trello;Photoshop;Figma;Blender 3D;
Unreal Engine;Unity3D;OpenGL;DirectX;Vulkan API;WordPress;Drupal;Joomla;Shopify;Magento;Bitcoin;Ethereum;Solidity;
Hyperledger;MapReduce;SPARQL;OWL2;Prolog;Common Lisp;ROS2;Verilog;VHDL;ARM64;x86;x86-64;RISC-V;Tailwind CSS;Sass;
SQLAlchemy;Alembic;Pydantic;Poetry lock;Pandas DataFrame;Polars;Dask;Apache Arrow;Parquet;Avro;dbt;Excel;
Microsoft Excel;PowerPoint;Microsoft Word;Microsoft Teams;Google Docs;Google Sheets;Tableau;Power BI;Looker Studio
"""
# Ordinary words and names: only in this case, and only beside other words of computing.
_AMBIGUOUS = """
Java;Go;Rust;Ruby;Swift;Dart;Julia;Scheme;Lisp;Pascal;Ada;Crystal;Zig;Nim;R;C;React;Angular;Vue;Express;Flask;
Spring;Rails;Gin;Echo;Spark;Flink;Storm;Beam;Hive;Pig;Impala;Oracle;Access;Helm;Vagrant;Puppet;Chef;Salt;Consul;
Vault;Nomad;Istio;Envoy;Apache;Caddy;Prometheus;Jaeger;Sentry;Splunk;Celery;Pandas;Bokeh;Dash;Ray;Horovod;Caffe;
Theano;Torch;MXNet;Claude;Gemini;Llama;Mistral;Copilot;Bard;Whisper;Siri;Alexa;Cortana;Windows;Fedora;Mint;Vim;Atom;
Eclipse;Unity;Godot;Blender;Ant;Maven;Gradle;Bazel;Make;CMake;Mercurial;Yarn;Cypress;Selenium;Mocha;Jest;Chai;Babel;
Parcel;Bootstrap;Tailwind;Svelte;Slack;Zoom;Notion;Confluence;Lambda;Athena;Glue;Kinesis;Snowflake;Databricks;
Looker;Keycloak;Airflow;Solr;Lucene;Stripe
"""
_COMPUTING = re.compile(
    r"\b(?:programming|program(?:s|mer|mers)?|code[drs]?|coding|software|developers?|backend|frontend|front-end"
    r"|framework|librar(?:y|ies)|databases?|data base|servers?|deploy\w*|API|apps?|applications?|compil\w+|scripts?|web"
    r"|open[- ]source|cloud|cluster|container\w*|queue|broker|cache|repository|algorithms?|machine learning|neural|model"
    r"|chatbot|AI|LLM|assistant|engineers?|stack|migrat\w+|refactor\w*|operating system|language|computer|tech)\b",
    re.I,
)


def _entries(text: str) -> tuple[str, ...]:
    return tuple(name for line in text.split("\n") for name in line.split(";") if name)


DISTINCT: tuple[str, ...] = _entries(_DISTINCT)
AMBIGUOUS: frozenset[str] = frozenset(_entries(_AMBIGUOUS))


def about_computing(text: str) -> bool:
    """Whether the passage has a word that lets `Go` be the language rather than the verb."""
    return bool(_COMPUTING.search(text))
