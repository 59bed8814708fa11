"""Names of technologies, which a model trained on newspapers takes for people, places and companies.

Written by hand from general knowledge. Names whose letters make an ordinary word count only in this exact case, and the
most ordinary ones only where the passage speaks of computing.
"""

from __future__ import annotations

import re

_DISTINCT = """
Python;JavaScript;TypeScript;PostgreSQL;Postgres;MySQL;MariaDB;SQLite;MongoDB;Redis;Valkey;Memcached;CouchDB;
DynamoDB;Elasticsearch;OpenSearch;Solr;Neo4j;InfluxDB;TimescaleDB;ClickHouse;DuckDB;BigQuery;CockroachDB;SQL Server;
Microsoft SQL Server;Oracle Database;pgvector;Weaviate;Qdrant;ChromaDB;FAISS;C++;C#;F#;Objective-C;Golang;Haskell;
Erlang;Clojure;OCaml;Fortran;COBOL;MATLAB;PHP;Visual Basic;VBScript;PowerShell;Zsh;SQL;NoSQL;GraphQL;HTML;HTML5;CSS;
CSS3;XML;YAML;TOML;JSON;gRPC;Protobuf;WebSocket;WebAssembly;Node.js;NodeJS;Deno;jQuery;React.js;ReactJS;
React Native;Vue.js;VueJS;AngularJS;Next.js;Nuxt.js;Svelte;SvelteKit;Ember.js;Express.js;Django;
Django REST framework;FastAPI;Ruby on Rails;Laravel;Symfony;Spring Boot;ASP.NET;.NET;.NET Core;RabbitMQ;Kafka;
Apache Kafka;Apache Spark;PySpark;Apache Flink;Apache Airflow;Apache Hadoop;Hadoop;Apache Beam;Apache Hive;
ZooKeeper;ActiveMQ;ZeroMQ;MQTT;AMQP;Docker Compose;Kubernetes;K8s;Podman;OpenShift;Terraform;Ansible;Pulumi;Jenkins;
GitHub Actions;GitLab CI;CircleCI;Travis CI;Argo CD;Grafana;Kibana;Logstash;Datadog;OpenTelemetry;Nginx;HAProxy;
Apache HTTP Server;Gunicorn;Uvicorn;uWSGI;AWS;Amazon Web Services;Amazon S3;Amazon EC2;AWS Lambda;Azure;
Microsoft Azure;Google Cloud;Google Cloud Platform;GCP;Heroku;Vercel;Netlify;Cloudflare Workers;DigitalOcean;
Firebase;Supabase;OpenStack;VMware;VirtualBox;Proxmox;Linux;Ubuntu;Debian;Fedora Linux;CentOS;Arch Linux;
Red Hat Enterprise Linux;FreeBSD;OpenBSD;macOS;iOS;iPadOS;Windows 10;Windows 11;Windows NT;Raspberry Pi;NumPy;SciPy;
scikit-learn;PyTorch;TensorFlow;XGBoost;LightGBM;spaCy;NLTK;Hugging Face Transformers;LangChain;LlamaIndex;OpenCV;
Matplotlib;Jupyter;Jupyter Notebook;Plotly;Streamlit;Gradio;CUDA;cuDNN;ONNX;Ollama;llama.cpp;vLLM;ChatGPT;GPT-2;
GPT-3;GPT-3.5;GPT-4;GPT-4o;GPT-5;BERT;RoBERTa;DALL-E;Stable Diffusion;Midjourney;GitHub Copilot;AlphaGo;AlphaFold;
Word2vec;word2vec;FastText;LaTeX;GitHub;GitLab;Bitbucket;Webpack;Babel.js;ESLint;npm;pnpm;PyPI;pytest;JUnit;
Cypress.io;Puppeteer;Selenium WebDriver;OpenAPI;OAuth;OAuth2;SAML;OpenID Connect;LDAP;Kerberos;TLS;SSH;HTTPS;TCP/IP;
DNS;IPv6;Bluetooth;Wi-Fi;USB-C;Visual Studio Code;VS Code;VSCode;IntelliJ;IntelliJ IDEA;PyCharm;Neovim;Emacs;
Eclipse IDE;Xcode;Android Studio;Jira;Trello;Photoshop;Unreal Engine;Unity3D;OpenGL;DirectX;WordPress;Drupal;Joomla;
Shopify;Magento;Bitcoin;Ethereum;Hyperledger;MapReduce;SPARQL;OWL2;Prolog;Common Lisp;ROS2;Verilog;VHDL;ARM64;x86;
x86-64;RISC-V;Tailwind CSS;SQLAlchemy;Pydantic;Apache Arrow;Microsoft Excel;Microsoft Word;Microsoft Teams;
Google Docs;Google Sheets;Power BI;Looker Studio
"""
# Ordinary words in other letters' case.
_EXACT = """
Bash;Excel;Postman;Swagger;Tableau;Redshift;Solidity;Elixir;Android;PowerPoint;Parquet;Subversion;Docker;Sass;Vite;
Scala;Perl;Arduino;Figma;Unix;Dask;Polars;Avro;Lua;Git;Kotlin;Traefik;Milvus;GloVe;Keras;Pinecone;Tomcat
"""
# Quite ordinary words and names: only in this case, and only beside other words of computing.
_AMBIGUOUS = """
Java;Go;Rust;Ruby;Swift;Dart;Julia;Scheme;Lisp;Pascal;Ada;Crystal;Zig;Nim;R;C;React;Angular;Vue;Express;Flask;
Spring;Rails;Gin;Echo;Spark;Flink;Storm;Beam;Hive;Pig;Impala;Oracle;Access;Helm;Vagrant;Puppet;Chef;Salt;Consul;
Vault;Nomad;Istio;Envoy;Apache;Caddy;Prometheus;Jaeger;Sentry;Splunk;Celery;Pandas;Bokeh;Dash;Ray;Horovod;Caffe;
Theano;Torch;MXNet;Claude;Gemini;Llama;Mistral;Copilot;Bard;Whisper;Siri;Alexa;Cortana;Windows;Fedora;Mint;Vim;Atom;
Eclipse;Unity;Godot;Blender;Ant;Maven;Gradle;Bazel;Make;CMake;Mercurial;Yarn;Cypress;Selenium;Mocha;Jest;Chai;Babel;
Parcel;Bootstrap;Tailwind;Svelte;Slack;Zoom;Notion;Confluence;Lambda;Athena;Glue;Kinesis;Snowflake;Databricks;
Looker;Playwright;Cassandra;Vulkan;Keycloak;Airflow;Solr;Lucene;Stripe
"""
_COMPUTING = re.compile(
    r"\b(?:programming|program(?:s|mer|mers)?|code[drs]?|coding|software|developers?|backend|frontend|front-end"
    r"|framework|librar(?:y|ies)|databases?|data base|servers?|deploy\w*|API|apps?|applications?|compil\w+|scripts?|web"
    r"|open[- ]source|cloud|cluster|container\w*|queue|broker|repository|algorithms?|machine learning|neural|model"
    r"|chatbot|AI|LLM|assistant|engineers?|stack|migrat\w+|refactor\w*|operating system|language|computer|tech)\b",
    re.I,
)


def _entries(text: str) -> tuple[str, ...]:
    return tuple(name for line in text.split("\n") for name in line.split(";") if name)


DISTINCT: tuple[str, ...] = _entries(_DISTINCT)
EXACT: tuple[str, ...] = _entries(_EXACT)
AMBIGUOUS: frozenset[str] = frozenset(_entries(_AMBIGUOUS))


_CONCEPTS = """
artificial intelligence;machine learning;deep learning;reinforcement learning;supervised learning;
unsupervised learning;natural language processing;computer vision;speech recognition;speech synthesis;
machine translation;information retrieval;data mining;data science;computer science;software engineering;
knowledge representation;knowledge graph;expert system;neural network;genetic algorithm;decision tree;random forest;
support vector machine;linear regression;logistic regression;gradient descent;cluster analysis;
principal component analysis;image processing;pattern recognition;signal processing;robotics;cybernetics;
cryptography;bioinformatics;game theory;graph theory;information theory;quantum computing;quantum mechanics;
big data;cloud computing;internet of things;virtual reality;augmented reality;operating system;mathematics;physics;
chemistry;biology;astronomy;geology;ecology;botany;zoology;genetics;neuroscience;psychology;sociology;anthropology;
archaeology;linguistics;philosophy;theology;economics;political science;statistics;medicine;psychiatry;
jurisprudence;computational linguistics;cognitive science;materials science;electrical engineering;
mechanical engineering;civil engineering;chemical engineering;molecular biology;organic chemistry;particle physics;
astrophysics;biochemistry;classical music;folk music;country music;electronic music;pop music;rock music;soul music;
dance music;chamber music;heavy metal;hip hop;hip-hop;rhythm and blues;hard rock;punk rock;progressive rock;
alternative rock;indie rock;folk rock;jazz;blues;bluegrass;reggae;techno;disco;ska;flamenco;opera;thrash metal;
death metal;black metal;rock and roll;science fiction;historical fiction;short story;magic realism;crime fiction;
fairy tale;detective fiction;literary criticism;impressionism;surrealism;romanticism;modernism;expressionism;cubism;
existentialism;marxism;communism;socialism;capitalism;liberalism;feminism;nationalism;buddhism;hinduism;judaism;
christianity;islam;catholicism;protestantism;climate change;renewable energy;nuclear power;human rights;
civil rights;mental health;public health;open source
"""
# What a compound noun that ends in one of these names a method or field: "convolutional neural network".
_METHODS = """
learning recognition classification classifier regression clustering optimization optimisation algorithm network
translation segmentation detection estimation modelling modeling factorization retrieval inference embedding parsing
processing analysis computation programming engineering compression encryption approximation
"""
# What a classing word before it makes a kind of writing: "epistolary novel".
WRITING = frozenset(
    {"novel", "fiction", "poetry", "drama", "tale", "story", "play", "verse", "comedy", "tragedy", "romance"}
)
CLASSING = ("ical", "ic", "ian", "ary", "esque", "ive")
GENRE = "genre"  # the mark of a kind of music in an index of names; its type is concept
# Kinds of music; only where the passage speaks of music, and each also with "music" behind it.
_GENRES = """
rock;pop;funk;gospel;zydeco;swing;punk;post-punk;indie rock;indie folk;indie pop;soul;hip hop;rap;ragtime;bebop;
rockabilly;honky-tonk;bluegrass;grunge;ambient;trance;dubstep;synth-pop;synthpop;new wave;dancehall;calypso;samba;
salsa;tango;bossa nova;flamenco;mariachi;polka;polkas;waltz;jazz fusion;soul blues;chicago blues;delta blues;
electric blues;country blues;blues rock;pop rock;art rock;noise pop;power pop;glam rock;glam metal;nu metal;
doom metal;power metal;progressive metal;industrial rock;southern rock;surf rock;garage rock;soft rock;psychedelic rock;
country rock;alt-country;western swing;outlaw country;texas country;cajun;tejano;klezmer;r&b;drum and bass;
trip hop;disco;house;techno
"""
_MUSIC_ONLY = """
country;folk;classical;electronic;dance;ambient;western;traditional;contemporary;christian;house;world;film;popular
"""
_MUSICAL = re.compile(
    r"\b(?:music\w*|bands?|songs?|albums?|singers?|songwriter\w*|genres?|guitar\w*|jazz|blues|concerts?|recording\w*)\b",
    re.I,
)
GENRES: tuple[str, ...] = tuple(
    dict.fromkeys([f"{name} music" for name in (*_entries(_GENRES), *_entries(_MUSIC_ONLY))] + [*_entries(_GENRES)])
)
CONCEPTS: tuple[str, ...] = _entries(_CONCEPTS)
METHODS = frozenset(_METHODS.split())


def about_computing(text: str) -> bool:
    """Whether the passage has a word that lets `Go` be the language rather than the verb."""
    return bool(_COMPUTING.search(text))


def about_music(text: str) -> bool:
    """Whether the passage has a word that lets `rock` be the music rather than the stone."""
    return bool(_MUSICAL.search(text))
